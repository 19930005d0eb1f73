package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"carillon/internal/config"
	"carillon/internal/server"
)

// shutdownTimeout bounds how long a stopping server waits for requests in flight.
const shutdownTimeout = 10 * time.Second

func serve(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := parse(flags, w, args); err != nil {
		return err
	}
	cfg, err := config.Load(flags, w.environ)
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(w.err, &slog.HandlerOptions{Level: level}))
	s, err := server.Start(ctx, cfg, logger)
	if err != nil {
		return err
	}
	if err := announce(cfg, s); err != nil {
		s.Close(context.Background())
		return err
	}
	fmt.Fprintf(w.out, "Carillon is ready at %s\n", s.URL())
	var failure error
	select {
	case <-ctx.Done():
		logger.Info("stopping")
	case failure = <-s.Failed():
	}
	closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if err := s.Close(closing); err != nil && failure == nil {
		failure = err
	}
	return failure
}

// ready is the line that programs which start us wait for.
type ready struct {
	URL   string `json:"url"`
	HTTP  string `json:"http"`
	Media string `json:"media"`
	PID   int    `json:"pid"`
}

func announce(cfg *config.Config, s *server.Server) error {
	line, err := json.Marshal(ready{URL: s.URL(), HTTP: s.Addr().String(), Media: s.MediaAddr().String(), PID: os.Getpid()})
	if err != nil {
		return err
	}
	line = append(line, '\n')
	if cfg.ReadyFile != "" {
		if err := replaceFile(cfg.ReadyFile, line); err != nil {
			return fmt.Errorf("cannot write the ready file: %w", err)
		}
	}
	if cfg.ReadyFD > 0 {
		f := os.NewFile(uintptr(cfg.ReadyFD), "ready")
		if f == nil {
			return fmt.Errorf("file descriptor %d is not open", cfg.ReadyFD)
		}
		if _, err := f.Write(line); err != nil {
			return fmt.Errorf("cannot write to file descriptor %d: %w", cfg.ReadyFD, err)
		}
		f.Close()
	}
	return nil
}

// replaceFile writes a file so that whoever waits for it never reads half of it.
func replaceFile(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".ready-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(content); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
