// Package graphql is the GraphQL edge: it authenticates requests by the session cookie, bounds what a
// query may cost, translates between the schema and the services, and maps failures to error codes.
// It decides nothing about meetings or accounts itself.
//
// Queries and mutations come by POST; subscriptions, and optionally everything else, over a WebSocket
// with the subprotocol graphql-transport-ws. Each socket has a goroutine that reads, one that watches
// its session and the peer, and one for each operation; Close ends them all. schema.graphqls is the
// schema, package graph is generated from it.
package graphql

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"golang.org/x/time/rate"

	"carillon/internal/accounts"
	"carillon/internal/api/graphql/graph"
	"carillon/internal/api/placement"
	"carillon/internal/authz"
	"carillon/internal/events"
	"carillon/internal/meetings"
)

// Accounts is what this package needs of accounts.Service.
type Accounts interface {
	Authenticate(ctx context.Context, token string) (accounts.Session, error)
	UpdateName(ctx context.Context, s accounts.Session, name string) (accounts.Account, error)
}

// Meetings is what this package needs of meetings.Service.
type Meetings interface {
	Create(ctx context.Context, actor authz.Actor, m meetings.NewMeeting) (meetings.Meeting, error)
	Get(ctx context.Context, actor authz.Actor, id string) (meetings.Meeting, error)
	List(ctx context.Context, actor authz.Actor, q meetings.ListQuery) (meetings.Page, error)
	Update(ctx context.Context, actor authz.Actor, c meetings.MeetingChange) (meetings.Meeting, error)
	Delete(ctx context.Context, actor authz.Actor, id string) (meetings.Meeting, error)
	Join(ctx context.Context, actor authz.Actor, id, displayName string) (meetings.Joined, error)
}

// Feed is what this package needs of events.Feed.
type Feed interface {
	Subscribe(types ...events.Type) *events.Subscription
}

// Placement is what this package needs of placement.Placement.
type Placement interface {
	ForRequest(r *http.Request, conferenceID string) placement.URLs
}

// Config is what New needs; every member but PublicURL is required.
type Config struct {
	Accounts  Accounts
	Meetings  Meetings
	Feed      Feed
	Placement Placement
	// SessionToken finds the session token in a request, "" when there is none.
	SessionToken func(*http.Request) string
	// PublicURL is the address that browsers reach the server under. Pages of that origin may open
	// sockets, besides those whose origin is the host that the request names.
	PublicURL string
	Logger    *slog.Logger
}

// Server is the handler of /graphql. It is safe for concurrent use.
type Server struct {
	// constant after New
	cfg          Config
	gql          *handler.Server
	sessionCheck time.Duration // how often a socket's session and peer are looked at
	writeTimeout time.Duration // after which a peer that takes no data is given up
	failures     *rate.Limiter // of log lines about our own failures

	mu      sync.Mutex // guards what follows
	closed  bool
	sockets map[*socket]struct{}

	serving sync.WaitGroup // sockets being served; Add only under mu and before closed
}

// New makes the handler.
func New(cfg Config) *Server {
	s := &Server{
		cfg:          cfg,
		sessionCheck: sessionCheckInterval,
		writeTimeout: writeTimeout,
		failures:     rate.NewLimiter(5, 50),
		sockets:      map[*socket]struct{}{},
	}
	s.gql = handler.New(graph.NewExecutableSchema(graph.Config{
		Resolvers:  &resolver{Config: cfg},
		Complexity: costs(),
	}))
	s.gql.AddTransport(transport.Websocket{
		Implementation:   acceptedSocket{},
		InitTimeout:      initTimeout,
		PayloadReadLimit: new(int64(maxBody)),
	})
	s.gql.AddTransport(transport.POST{})
	s.gql.SetQueryCache(lru.New[*ast.QueryDocument](cachedQueries))
	s.gql.SetParserTokenLimit(maxTokens)
	s.gql.SetErrorPresenter(s.present)
	s.gql.SetRecoverFunc(s.recovered)
	s.gql.Use(extension.Introspection{}) // only the signed-in get as far as here
	s.gql.Use(shapeLimit{})
	s.gql.Use(newCostLimit())
	s.gql.Use(operationLimit{}) // last: what it counts must run
	s.gql.AroundOperations(s.aroundOperation)
	return s
}

// ServeHTTP answers POST with JSON and GET with an upgrade to a WebSocket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		s.servePost(w, r)
	case r.Method == http.MethodGet && r.Header.Get("Upgrade") != "":
		s.serveSocket(w, r)
	default:
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, errMethod())
	}
}
