// Package httpserver assembles everything that is reached over HTTP: it routes to the API handlers that it
// is given, serves the sign-in endpoints and the web client itself, and puts around all of them what every
// request needs: an id, a log line, recovery from panics and security headers.
//
// It does not listen: New returns a handler for whoever owns the listener. It starts no goroutines.
package httpserver

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"carillon/internal/accounts"
)

// Accounts is what this package needs of accounts.Service.
type Accounts interface {
	SignUp(ctx context.Context, in accounts.SignUp) (accounts.Account, error)
	ConfirmEmail(ctx context.Context, email, code string) error
	ResendConfirmation(ctx context.Context, email string) error
	SignIn(ctx context.Context, in accounts.SignIn) (accounts.Session, error)
	Authenticate(ctx context.Context, token string) (accounts.Session, error)
	SignOut(ctx context.Context, token string) error
	ChangePassword(ctx context.Context, s accounts.Session, oldPassword, newPassword string) error
}

// Config is what New needs. Accounts and Logger are required; a handler that is nil answers 404.
type Config struct {
	Accounts Accounts

	GraphQL  http.Handler // /graphql
	Chime    http.Handler // /chime/…
	Console  http.Handler // /console/…, the API of /chime in its older version
	Signal   http.Handler // /signal/…
	Events   http.Handler // /events, and below it
	Webhooks http.Handler // /webhooks and /webhooks/…
	Web      fs.FS        // the built web client with index.html at its root

	// PublicURL is the address that browsers reach the server under, "" when it is not known. When it is
	// https, cookies are Secure.
	PublicURL string
	// What GET /auth/config tells the web client.
	SignUp            accounts.Policy
	EmailConfirmation bool

	Ready  func() error // why the server cannot serve now; nil func = always ready
	Logger *slog.Logger
}

// New assembles the handler. It fails when the web client's files cannot be read or PublicURL is no
// address of a web server.
func New(cfg Config) (http.Handler, error) {
	web, err := newSite(cfg.Web)
	if err != nil {
		return nil, fmt.Errorf("cannot read the web client: %w", err)
	}
	browser, err := sameOriginOnly(cfg.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("the public address is not usable: %w", err)
	}
	secure := strings.HasPrefix(cfg.PublicURL, "https://")
	auth := &auth{Config: cfg, secure: secure}

	mux := http.NewServeMux()
	mux.Handle("/auth/", browser(auth.routes()))
	mux.Handle("/graphql", browser(orNotFound(cfg.GraphQL)))
	mux.HandleFunc("/healthz", healthz)
	mux.Handle("/readyz", readyz(cfg.Ready, cfg.Logger))
	mux.Handle("/", web)

	return observed(cfg.Logger, recovered(cfg.Logger, secured(secure, programsFirst(cfg, mux)))), nil
}

// programsFirst takes out what programs with credentials of their own call, from pages of any origin, without a
// cookie being read. The mux would redirect paths like "/chime//meetings": a signature holds for one path
// only, and programs can read nothing but JSON.
func programsFirst(cfg Config, next http.Handler) http.Handler {
	programs := map[string]http.Handler{
		"/chime": cfg.Chime, "/console": cfg.Console, "/signal": cfg.Signal, "/events": cfg.Events, "/webhooks": cfg.Webhooks,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		for prefix, h := range programs {
			if below(path, prefix) {
				orNotFound(h).ServeHTTP(w, r)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// sameOriginOnly returns a wrapper that refuses state-changing requests which a browser sends for a page
// of another origin: with the session cookie, such a page could act for whoever looks at it.
func sameOriginOnly(publicURL string) (func(http.Handler) http.Handler, error) {
	protection := http.NewCrossOriginProtection()
	if publicURL != "" {
		// A proxy may have changed the Host header that the origin is compared with.
		u, err := url.Parse(publicURL)
		if err == nil {
			err = protection.AddTrustedOrigin(u.Scheme + "://" + u.Host)
		}
		if err != nil {
			return nil, err
		}
	}
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, errCrossOrigin())
	}))
	return protection.Handler, nil
}

func orNotFound(h http.Handler) http.Handler {
	if h == nil {
		return http.HandlerFunc(notFound)
	}
	return h
}

func notFound(w http.ResponseWriter, _ *http.Request) { writeError(w, errNoPage()) }

// healthz says that the process runs.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, "ok\n")
}

// readyz says whether the server can do its work now. Why it cannot is for the log only.
func readyz(ready func() error, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ready != nil {
			if err := ready(); err != nil {
				logger.Warn("not ready", "err", err)
				writeError(w, errNotReady())
				return
			}
		}
		healthz(w, r)
	})
}
