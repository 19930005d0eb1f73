// Package signaling speaks the meeting protocol of the browser SDK: one WebSocket for each connection
// of a client, binary frames of protobuf messages (proto/signaling.proto), from JOIN to LEAVE.
//
// It is the only bridge between the two planes: it asks the control plane who a join token belongs to
// and moves that attendee into and around a room of the media plane. It keeps no state of a meeting
// itself.
//
// Goroutines: per connection one that reads (session.run), ended when the socket closes, and one that writes
// (session.write) while there is something to write.
package signaling

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"carillon/internal/errs"
	"carillon/internal/meetings"
	"carillon/internal/rooms"
)

// pathPrefix is what comes before the conference id in the path of a request.
const pathPrefix = "/signal/"

// subprotocol is what the server selects of the two that clients offer; the other one is the token.
const subprotocol = "_aws_wt_session"

// Close codes of the protocol beside those of RFC 6455.
const (
	closeForbidden websocket.StatusCode = 4403 // the join token is not valid
	closeEnded     websocket.StatusCode = 4410 // the conference has ended
	closeRetry     websocket.StatusCode = 4500 // the server cannot go on; come again
)

const (
	joinTimeout     = 15 * time.Minute // clients may open the socket long before they start
	strangerTimeout = 15 * time.Second // the same without a valid token
	maxStrangers    = 1000             // sockets without a valid token at one time
	leaveTimeout    = 5 * time.Second  // how long an ended client may take to say LEAVE
	pingEvery       = 10 * time.Second
)

// Authenticator resolves join tokens. The error has code Unauthenticated for a token that is not
// valid and Gone for a genuine one of a conference that has ended.
type Authenticator interface {
	Authenticate(ctx context.Context, conferenceID, joinToken string) (meetings.Conference, meetings.Attendee, error)
}

// Config is what a Server needs; all fields but Relay are required.
type Config struct {
	Meetings Authenticator
	Hub      *rooms.Hub
	Logger   *slog.Logger
	Relay    Relay // optional
}

// Server accepts the signaling connections. It implements http.Handler for /signal/{conference} and
// meetings.Live.
type Server struct {
	cfg       Config
	strangers chan struct{} // one token for each socket without a valid join token
	noise     *rate.Limiter // log lines that network input can cause
	attempts  attempts

	// joining is held for reading from the look at an attendee's row until the attendee is in the room, and for
	// writing by the changes of rows: a change finds either the row not read yet or somebody to apply it to.
	joining sync.RWMutex

	mu       sync.Mutex
	closed   bool           // guarded by mu: no session may begin any more
	sessions sync.WaitGroup // added to with mu held

	closing context.Context // done when the sessions are to end in order
	close   context.CancelFunc
	ctx     context.Context // done when they are cut
	stop    context.CancelFunc
}

// New returns a Server. Close it to end every session.
func New(cfg Config) *Server {
	closing, shut := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	return &Server{
		cfg:       cfg,
		strangers: make(chan struct{}, maxStrangers),
		noise:     rate.NewLimiter(5, 20),
		closing:   closing,
		close:     shut,
		ctx:       ctx,
		stop:      stop,
	}
}

// begin counts a session in. It is false when the server is closed.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.sessions.Add(1)
	}
	return !s.closed
}

// Close waits until every session has told its client to come again later. Close the Hub first, which
// tells those who have joined; ctx bounds the wait, after which the sockets are cut.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.close()
	done := make(chan struct{})
	go func() { s.sessions.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.stop()
	<-done
}

// ServeHTTP upgrades the request. The session goes on by itself, so that nothing of the request stays in memory for as
// long as somebody is in the call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	session := newSession(s, r)
	running := false
	defer func() {
		if !running {
			s.ended(session)
		}
	}()
	if refusal := s.recognise(r.Context(), session); refusal != "" {
		http.Error(w, refusal, http.StatusServiceUnavailable)
		return
	}
	var err error
	if session.socket, err = accept(w, r, session.pong); err != nil {
		s.complain("signaling upgrade failed", "reason", err)
		return
	}
	running = true
	go func() {
		defer s.ended(session)
		session.run()
	}()
}

// recognise looks at the token. One that is not valid is refused after JOIN, but there are not many sockets for that.
func (s *Server) recognise(ctx context.Context, session *session) (refusal string) {
	_, _, err := s.cfg.Meetings.Authenticate(ctx, session.conferenceID, session.token)
	switch {
	case err == nil:
		return ""
	case errs.CodeOf(err) == errs.Internal || errs.CodeOf(err) == errs.Unavailable:
		return "try again"
	}
	select {
	case s.strangers <- struct{}{}:
		session.stranger = true
		return ""
	default:
		return "too many connections"
	}
}

// ended takes back what begin and recognise have counted.
func (s *Server) ended(session *session) {
	if session.stranger {
		<-s.strangers
	}
	s.sessions.Done()
}

// joinToken finds the token among the offered subprotocols, and whether it is that of a screen share.
func joinToken(header http.Header) (token string, content bool) {
	for _, line := range header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != subprotocol && name != "" {
				return strings.CutSuffix(name, contentSuffix)
			}
		}
	}
	return "", false
}

// contentSuffix marks the token and the attendee id of a screen share.
const contentSuffix = "#content"

// complain logs what network input causes, not more often than noise allows.
func (s *Server) complain(text string, args ...any) {
	if s.noise.Allow() {
		s.cfg.Logger.Warn(text, args...)
	}
}
