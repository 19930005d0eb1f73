// Command carillon is the server exactly as `carillon serve` starts it, for the load generator: it makes an API key for
// it, and tells on a listener of its own how many goroutines run and what they cost (net/http/pprof).
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"carillon/internal/config"
	"carillon/internal/server"
)

func main() {
	// The linker leaves sampling of memory out of `carillon`, but not where net/http/pprof is linked, and its tables
	// would be counted as the participants' memory. GODEBUG=memprofilerate=524288 asks for heap profiles.
	if !strings.Contains(os.Getenv("GODEBUG"), "memprofilerate") {
		runtime.MemProfileRate = 0
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "carillon:", err)
		os.Exit(1)
	}
}

func run() error {
	flags := pflag.NewFlagSet("carillon", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	cfg, err := config.Load(flags, os.Environ())
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return err
	}
	s, err := server.Start(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})))
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Close(ctx)
	}()
	if err := announce(ctx, cfg, s); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.Failed():
		return err
	}
}

// announce makes the key, opens the private listener and prints where everything is.
func announce(ctx context.Context, cfg *config.Config, s *server.Server) error {
	a, err := server.OpenAccounts(ctx, cfg.Data, cfg.Database)
	if err != nil {
		return err
	}
	defer a.Close()
	key, err := a.Accounts.CreateKey(ctx, "load")
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/goroutines", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, runtime.NumGoroutine()) })
	go http.Serve(listener, mux) // until the process ends
	return json.NewEncoder(os.Stdout).Encode(map[string]string{
		"url": s.URL(), "debug": "http://" + listener.Addr().String(), "keyId": key.ID, "secret": key.Secret,
	})
}
