package graphql

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"carillon/internal/errs"
)

// operationLimit takes one of the socket's places for each operation, before it starts. It runs on the
// goroutine that reads the socket: a client that sends more than it may, and does not read the refusals,
// stops being read.
type operationLimit struct{}

func (operationLimit) ExtensionName() string                   { return "OperationLimit" }
func (operationLimit) Validate(graphql.ExecutableSchema) error { return nil }

func (operationLimit) MutateOperationContext(ctx context.Context, _ *graphql.OperationContext) *gqlerror.Error {
	if socket := callerOf(ctx).socket; socket != nil && !socket.begin() {
		return limitError("A connection may have at most %d operations at a time.", maxOperations)
	}
	return nil
}

// aroundOperation gives the operation's place on the socket back when it has ended.
func (s *Server) aroundOperation(ctx context.Context, next graphql.OperationHandler) (responses graphql.ResponseHandler) {
	c := callerOf(ctx)
	if c.socket == nil {
		return s.overPost(ctx, next)
	}
	end := sync.OnceFunc(c.socket.end)
	defer func() {
		if responses == nil { // a panic is passing
			end()
		}
	}()
	inner := s.overSocket(ctx, c, next)
	return func(ctx context.Context) (response *graphql.Response) {
		defer func() {
			if response == nil { // the last one was sent, or a panic is passing
				end()
			}
		}()
		return inner(ctx)
	}
}

func (s *Server) overPost(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Subscription {
		return s.oneError(ctx, errs.New(errs.Invalid, "Subscriptions need a WebSocket."))
	}
	return next(ctx)
}

// overSocket looks at the session again: an operation must not outlive a sign-out that the socket has
// not heard of yet.
func (s *Server) overSocket(ctx context.Context, c caller, next graphql.OperationHandler) graphql.ResponseHandler {
	session, err := s.cfg.Accounts.Authenticate(ctx, s.cfg.SessionToken(c.request))
	if err != nil {
		if errs.CodeOf(err) == errs.Unauthenticated {
			c.socket.stop(closeUnauthorized)
		}
		return s.oneError(ctx, err)
	}
	c.session = session
	return next(withCaller(ctx, c))
}

func (s *Server) oneError(ctx context.Context, err error) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{s.present(ctx, err)}})
}
