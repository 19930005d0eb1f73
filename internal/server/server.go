// Package server puts the program together: it is the only place that builds the parts and connects
// them. Nobody but the command and tests imports it.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/api/chime"
	"carillon/internal/api/graphql"
	"carillon/internal/api/ingestion"
	"carillon/internal/api/placement"
	webhooksapi "carillon/internal/api/webhooks"
	"carillon/internal/config"
	"carillon/internal/events"
	"carillon/internal/httpserver"
	"carillon/internal/media/transport"
	"carillon/internal/media/turn"
	"carillon/internal/meetings"
	"carillon/internal/rooms"
	"carillon/internal/signaling"
	"carillon/internal/storage"
	"carillon/internal/timeline"
	"carillon/internal/webhooks"
	"carillon/web"
)

// Server is a running Carillon. Its goroutines are the HTTP server's, the sweeper of conferences, and
// those that the parts own; Close ends them all.
type Server struct {
	logger *slog.Logger
	failed chan error

	// In the order they are started; Close goes backwards.
	lock      *os.File
	store     *storage.Store
	feed      *events.Feed
	meetings  *meetings.Service
	hooks     *webhooks.Service
	outgoing  *webhooks.Dispatcher
	transport *transport.Server
	turn      *turn.Server // nil without a relay
	hub       *rooms.Hub
	signaling *signaling.Server
	listener  net.Listener
	graphql   *graphql.Server
	http      *http.Server

	sweeping  sync.WaitGroup
	stopSweep context.CancelFunc
	url       string
}

// Start builds and starts everything. When it returns, requests and media are served.
func Start(ctx context.Context, cfg *config.Config, logger *slog.Logger) (_ *Server, err error) {
	s := &Server{logger: logger, failed: make(chan error, 1), stopSweep: func() {}}
	defer func() {
		if err != nil {
			s.Close(context.WithoutCancel(ctx))
		}
	}()
	data, err := openDataDir(cfg.Data)
	if err != nil {
		return nil, err
	}
	if s.lock, err = data.lock(); err != nil {
		return nil, err
	}
	people, err := s.startControl(ctx, cfg, data)
	if err != nil {
		return nil, err
	}
	if err := s.startMedia(cfg, data); err != nil {
		return nil, err
	}
	if err := s.recover(ctx); err != nil {
		return nil, err
	}
	if err := s.startHTTP(cfg, people); err != nil {
		return nil, err
	}
	forgetStart()
	return s, nil
}

// forgetStart gives back what starting has left behind: buffers of several MB, by which the collector would reckon how
// much garbage may pile up until it runs for the first time. What lies in pools takes it twice.
func forgetStart() {
	runtime.GC()
	debug.FreeOSMemory()
}

// startControl opens storage and makes the services on it.
func (s *Server) startControl(ctx context.Context, cfg *config.Config, data dataDir) (*accounts.Service, error) {
	joinKey, err := data.key("join.key")
	if err != nil {
		return nil, err
	}
	store, err := openStore(ctx, data, cfg.Database, s.logger, func() {
		if s.feed != nil {
			s.feed.Wake()
		}
	})
	if err != nil {
		return nil, err
	}
	s.store = store
	s.feed = events.NewFeed(store, s.logger)
	s.meetings = meetings.New(meetings.Config{Store: store, JoinKey: joinKey, Logger: s.logger})
	if s.hooks, s.outgoing, err = newWebhooks(cfg.WebhookNetworks, data, store, s.logger); err != nil {
		return nil, err
	}
	return newAccounts(cfg, data, store, s.logger)
}

// startMedia opens the media port and makes the live side.
func (s *Server) startMedia(cfg *config.Config, data dataDir) error {
	var err error
	s.transport, err = transport.Listen(transport.Config{Listen: cfg.Media, PublicIPs: cfg.PublicIPs, Logger: s.logger})
	if err != nil {
		return fmt.Errorf("cannot open the media port %s: %w", cfg.Media, err)
	}
	s.hub = rooms.NewHub(rooms.Config{
		Transport: s.transport, Logger: s.logger, Presence: s.present, Activity: s.record, ReserveIDs: data.reserveIDs,
	})
	if s.turn, err = startTURN(cfg, s.transport, s.logger); err != nil {
		return err
	}
	s.signaling = signaling.New(signaling.Config{
		Meetings: s.meetings, Hub: s.hub, Logger: s.logger,
		Relay: signaling.Relay{Server: s.turn, Policy: signaling.RelayPolicy(cfg.TURN.Policy), Host: turnHost(cfg)},
	})
	s.meetings.SetLive(s.signaling)
	return nil
}

// present hands presence counts of the media plane to the control plane.
func (s *Server) present(conferenceID string, connected int) {
	if err := s.meetings.Present(context.Background(), conferenceID, connected); err != nil {
		s.logger.Warn("cannot record who is present", "conference", conferenceID, "reason", err)
	}
}

// recover takes up what an earlier process left, and starts the work that goes on by itself.
func (s *Server) recover(ctx context.Context) error {
	if err := s.meetings.Recover(ctx); err != nil {
		return fmt.Errorf("cannot take up the open conferences: %w", err)
	}
	s.feed.Consume("meetings", s.meetings.HandleEvent)
	s.feed.ConsumeBatches("webhooks", s.outgoing.HandleEvents)
	s.feed.Start()
	s.outgoing.Start()
	sweep, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopSweep = stop
	s.sweeping.Go(func() { s.meetings.Run(sweep) })
	return nil
}

func (s *Server) startHTTP(cfg *config.Config, people *accounts.Service) error {
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", cfg.Listen, err)
	}
	s.listener = listener
	publicURL := ""
	if cfg.PublicURL != nil {
		publicURL = cfg.PublicURL.String()
	}
	s.url = publicURL
	if s.url == "" {
		s.url = localURL(s.Addr())
	}
	where := placement.New(publicURL, s.mediaHost(cfg))
	s.graphql = graphql.New(graphql.Config{
		Accounts: people, Meetings: s.meetings, Feed: s.feed, Placement: where,
		SessionToken: httpserver.SessionToken, PublicURL: publicURL, Logger: s.logger,
	})
	api := chime.Config{Meetings: s.meetings, Keys: people, Placement: where, Rates: &chime.Rates{}, Logger: s.logger}
	older := api
	older.Prefix, older.Legacy = "/console", true
	handler, err := httpserver.New(httpserver.Config{
		Accounts:          people,
		GraphQL:           s.graphql,
		Chime:             chime.New(api),
		Console:           chime.New(older),
		Signal:            s.signaling,
		Events:            ingestion.New(timeline.New(timeline.Config{Store: s.store, Meetings: s.meetings, Conferences: s.store}), s.logger),
		Webhooks:          webhooksapi.New(webhooksapi.Config{Webhooks: s.hooks, Verifier: newKeyVerifier(people, s.logger), Logger: s.logger}),
		Web:               web.FS(),
		PublicURL:         publicURL,
		SignUp:            accounts.Policy(cfg.SignUp),
		EmailConfirmation: cfg.SMTP != nil,
		Ready:             func() error { return s.store.Ping(context.Background()) },
		Logger:            s.logger,
	})
	if err != nil {
		return err
	}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
	go func() {
		if err := s.http.Serve(httpserver.WithJSONRefusals(listener)); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	s.logger.Info("serving", "url", s.url, "http", s.Addr(), "media", s.MediaAddr(), "tcp", s.transport.TCP(), "relay", s.turn != nil)
	return nil
}

// mediaHost is the host:port that clients are told media is at. They use it only to see that there is audio.
func (s *Server) mediaHost(cfg *config.Config) string {
	host, _, _ := net.SplitHostPort(cfg.Media)
	if len(cfg.PublicIPs) > 0 {
		host = cfg.PublicIPs[0].String()
	}
	return net.JoinHostPort(host, fmt.Sprint(s.MediaAddr().Port()))
}

// localURL is the address for a browser on this machine, where localhost counts as secure.
func localURL(addr netip.AddrPort) string {
	host := "localhost"
	if ip := addr.Addr(); !ip.IsUnspecified() {
		host = ip.String()
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(addr.Port()))
}

// URL is the address that people open.
func (s *Server) URL() string { return s.url }

// Addr is the address of the HTTP listener.
func (s *Server) Addr() netip.AddrPort { return s.listener.Addr().(*net.TCPAddr).AddrPort() }

// MediaAddr is the address of the media port.
func (s *Server) MediaAddr() netip.AddrPort { return s.transport.Addr() }

// Failed yields the error that made the server stop serving by itself.
func (s *Server) Failed() <-chan error { return s.failed }

// Close ends everything: clients are told to come back, requests in flight are given until ctx ends.
func (s *Server) Close(ctx context.Context) error {
	var failures []error
	if s.hub != nil {
		s.hub.Close()
	}
	if s.signaling != nil {
		s.signaling.Close(ctx)
	}
	if s.graphql != nil {
		s.graphql.Close() // its sockets would keep the HTTP server from ending
	}
	if s.http != nil {
		failures = append(failures, s.closeHTTP(ctx))
	} else if s.listener != nil {
		s.listener.Close()
	}
	if s.turn != nil {
		failures = append(failures, s.turn.Close())
	}
	if s.transport != nil {
		failures = append(failures, s.transport.Close())
	}
	s.stopSweep()
	s.sweeping.Wait()
	if s.feed != nil {
		s.feed.Close()
	}
	if s.outgoing != nil {
		s.outgoing.Close()
	}
	if s.store != nil {
		failures = append(failures, s.store.Close())
	}
	if s.lock != nil {
		s.lock.Close()
	}
	return errors.Join(failures...)
}

func (s *Server) closeHTTP(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		s.http.Close()
	}
	return nil
}
