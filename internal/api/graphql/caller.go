package graphql

import (
	"context"
	"net/http"

	"carillon/internal/accounts"
	"carillon/internal/authz"
	"carillon/internal/errs"
)

// caller is who sent an operation, and how.
type caller struct {
	session accounts.Session
	request *http.Request // the POST, or the upgrade of the socket
	socket  *socket       // nil for a POST
}

type callerKey struct{}

func withCaller(ctx context.Context, c caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// callerOf returns the zero caller, whom every permission check refuses, when there is none.
func callerOf(ctx context.Context) caller {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c
}

func actorOf(ctx context.Context) authz.Actor { return callerOf(ctx).session.Account.Actor() }

func (s *Server) authenticate(r *http.Request) (accounts.Session, error) {
	token := s.cfg.SessionToken(r)
	if token == "" {
		return accounts.Session{}, errs.New(errs.Unauthenticated, "Sign in first.")
	}
	return s.cfg.Accounts.Authenticate(r.Context(), token)
}
