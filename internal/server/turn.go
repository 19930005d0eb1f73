package server

import (
	"fmt"
	"log/slog"

	"carillon/internal/config"
	"carillon/internal/media/transport"
	"carillon/internal/media/turn"
)

// startTURN opens the relay, if there is to be one.
func startTURN(cfg *config.Config, media *transport.Server, logger *slog.Logger) (*turn.Server, error) {
	c := cfg.TURN
	if c.Listen == "" && c.ListenTLS == "" {
		return nil, nil
	}
	s, err := turn.Listen(turn.Config{
		Listen: c.Listen, ListenTLS: c.ListenTLS, CertFile: c.Cert, KeyFile: c.Key, Media: media, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot open the relay (--turn %q, --turn-tls %q): %w", c.Listen, c.ListenTLS, err)
	}
	return s, nil
}

// turnHost is the host in what clients are told about the relay; "" means the one that they came to.
func turnHost(cfg *config.Config) string {
	switch {
	case cfg.TURN.Host != "":
		return cfg.TURN.Host
	case cfg.PublicURL != nil:
		return cfg.PublicURL.Hostname()
	}
	return ""
}
