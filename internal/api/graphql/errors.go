package graphql

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/internal/errs"
)

// statusOf maps a failure before any GraphQL was executed to an HTTP status. Failures of fields are
// answered with 200 and an entry in `errors`, as GraphQL over HTTP demands.
func statusOf(code errs.Code) int {
	switch code {
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Unconfirmed, errs.Forbidden:
		return http.StatusForbidden
	case errs.LimitExceeded, errs.Throttled:
		return http.StatusTooManyRequests
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	case errs.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// refuse answers a request that is not executed, in the shape of a GraphQL response.
func refuse(w http.ResponseWriter, status int, err error) {
	message, field := errs.Public(err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(&graphql.Response{Errors: gqlerror.List{
		{Message: message, Extensions: extensions(errs.CodeOf(err), field)},
	}})
}

func extensions(code errs.Code, field string) map[string]any {
	x := map[string]any{"code": code}
	if field != "" {
		x["field"] = field
	}
	return x
}

// present makes the error that the client sees. Only texts written for clients pass: those of errs
// errors, and what the GraphQL library says about the client's own query and variables.
func (s *Server) present(ctx context.Context, err error) *gqlerror.Error {
	var g *gqlerror.Error
	errors.As(err, &g)
	out := &gqlerror.Error{}
	if g != nil {
		out.Path, out.Locations = g.Path, g.Locations
	}
	if out.Path == nil {
		out.Path = graphql.GetPath(ctx)
	}
	code := errs.CodeOf(err)
	message, field := errs.Public(err)
	if about := aboutQuery(g); about != "" {
		code, message = about, g.Message
	} else {
		s.logInternal(ctx, err)
	}
	out.Message, out.Extensions = message, extensions(code, field)
	return out
}

// aboutQuery returns the code for an error that the GraphQL library found in the client's query or
// variables, "" for any other error.
func aboutQuery(g *gqlerror.Error) errs.Code {
	if g == nil {
		return ""
	}
	if code := g.Extensions["code"]; code == errcode.ParseFailed || code == errcode.ValidationFailed {
		return errs.Invalid
	}
	return ""
}

// errPanicked marks a failure that is logged already.
var errPanicked = errs.New(errs.Internal, "panic")

// recovered logs a panic. Its result may be sent without passing present, so it has the public text.
func (s *Server) recovered(_ context.Context, cause any) error {
	if s.failures.Allow() {
		s.cfg.Logger.Error("graphql request panicked", "cause", cause, "stack", string(debug.Stack()))
	}
	message, _ := errs.Public(errPanicked)
	return &gqlerror.Error{Err: errPanicked, Message: message, Extensions: extensions(errs.Internal, "")}
}

// logInternal logs what the client is not told. Failures that are the client's are not logged, and those
// that are ours not without limit: clients may know how to cause them. A request that its client gave
// up fails anyhow.
func (s *Server) logInternal(ctx context.Context, err error) {
	if errs.CodeOf(err) != errs.Internal || errors.Is(err, errPanicked) || ctx.Err() != nil || !s.failures.Allow() {
		return
	}
	s.cfg.Logger.Error("graphql request failed", "err", err)
}
