package graphql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	json.NewEncoder(w).Encode(&graphql.Response{Errors: gqlerror.List{
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
	var known *errs.Error
	switch code := aboutQuery(ctx, g); {
	case errors.As(err, &known):
		var field string
		out.Message, field = errs.Public(known)
		out.Extensions = extensions(known.Code, field)
	case code != "":
		out.Message = g.Message
		out.Extensions = extensions(code, "")
	default:
		out.Message, _ = errs.Public(err)
		out.Extensions = extensions(errs.Internal, "")
	}
	s.logInternal(ctx, err)
	return out
}

// aboutQuery returns the code for an error that the GraphQL library found in the client's query, "" for
// any other error.
func aboutQuery(ctx context.Context, g *gqlerror.Error) errs.Code {
	if g == nil {
		return ""
	}
	switch g.Extensions["code"] {
	case errcode.ParseFailed, errcode.ValidationFailed:
		return errs.Invalid
	case "COMPLEXITY_LIMIT_EXCEEDED":
		return errs.LimitExceeded
	}
	// A field that was given arguments and has none in its context is one whose arguments could not be
	// converted; its resolver never ran.
	if field := graphql.GetFieldContext(ctx); field != nil && field.Args == nil && field.Field.Field != nil && len(field.Field.Arguments) > 0 {
		return errs.Invalid
	}
	return ""
}

// hideInternal gives every failure of a resolver a code, so that present can tell it from a complaint
// of the GraphQL library.
func hideInternal(ctx context.Context, next graphql.Resolver) (any, error) {
	result, err := next(ctx)
	var known *errs.Error
	switch {
	case err == nil || errors.As(err, &known):
		return result, err
	case ctx.Err() != nil:
		return result, errs.Wrap(err, errs.Unavailable, "The request was cancelled.")
	default:
		return result, errs.Wrap(err, errs.Internal, "resolver")
	}
}

// recovered turns a panic in a resolver into an internal error.
func (s *Server) recovered(_ context.Context, cause any) error {
	return errs.Wrap(fmt.Errorf("panic: %v\n%s", cause, debug.Stack()), errs.Internal, "resolver")
}

// logInternal logs what the client is not told. Failures that are the client's are not logged: anybody
// could fill the log with them.
func (s *Server) logInternal(ctx context.Context, err error) {
	if errs.CodeOf(err) != errs.Internal || aboutQuery(ctx, asGraphQL(err)) != "" {
		return
	}
	s.cfg.Logger.Error("graphql request failed", "err", err)
}

func asGraphQL(err error) *gqlerror.Error {
	var g *gqlerror.Error
	errors.As(err, &g)
	return g
}
