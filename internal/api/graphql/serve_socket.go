package graphql

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"carillon/internal/accounts"
	"carillon/internal/errs"
)

const (
	subprotocol = "graphql-transport-ws"
	maxSockets  = 64 // per account
)

// serveSocket serves one WebSocket until it ends. Browsers send cookies with upgrades from any page and
// let that page read the answers, so the origin is checked here. A missing session is told with a close
// code, because scripts cannot see the status of a refused upgrade.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.sameOrigin(r) {
		refuse(w, http.StatusForbidden, errs.New(errs.Forbidden, "Cross-origin connections are not allowed."))
		return
	}
	session, authErr := s.authenticate(r)
	if authErr != nil && errs.CodeOf(authErr) != errs.Unauthenticated {
		s.logInternal(r.Context(), authErr)
		refuse(w, statusOf(errs.CodeOf(authErr)), authErr)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // the origin was checked above
	})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() != subprotocol {
		closeSubprotocol.tell(conn)
		return
	}
	if authErr != nil {
		closeUnauthorized.tell(conn)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	c := &socket{conn: conn, account: session.Account.ID, patience: s.writeTimeout, cancel: cancel}
	if refused := s.register(c); refused != nil {
		cancel()
		refused.tell(conn)
		return
	}
	defer s.unregister(c)
	s.run(ctx, w, r, c, session)
}

// run hands the socket to the GraphQL library and, when that is done with it, waits for whatever the
// socket has started.
func (s *Server) run(ctx context.Context, w http.ResponseWriter, r *http.Request, c *socket, session accounts.Session) {
	c.tasks.Go(func() { s.watch(ctx, r, c) })
	s.gql.ServeHTTP(w, r.WithContext(withCaller(ctx, caller{session: session, request: r, socket: c})))
	c.cancel()
	c.tasks.Wait()
}

// watch ends the socket when its session is no longer good or its peer does not answer.
func (s *Server) watch(ctx context.Context, r *http.Request, c *socket) {
	tick := time.NewTicker(s.sessionCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := s.cfg.Accounts.Authenticate(ctx, s.cfg.SessionToken(r)); errs.CodeOf(err) == errs.Unauthenticated {
			c.stop(closeUnauthorized)
			return
		} else if err != nil && ctx.Err() == nil {
			s.logInternal(ctx, err)
		}
		ping, cancel := context.WithTimeout(ctx, pingTimeout)
		err := c.conn.Ping(ping)
		cancel()
		if err != nil && ctx.Err() == nil {
			_ = c.Close()
			return
		}
	}
}

// sameOrigin reports whether the request comes from a page of this server, or from no page at all.
func (s *Server) sameOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // browsers always send one with an upgrade
	}
	from, err := url.Parse(origin)
	if err != nil || from.Host == "" {
		return false
	}
	if strings.EqualFold(from.Host, r.Host) {
		return true
	}
	public, err := url.Parse(s.cfg.PublicURL)
	return err == nil && public.Host != "" && strings.EqualFold(from.Host, public.Host) && from.Scheme == public.Scheme
}

// register makes the socket known to Close, or says why it must not be served.
func (s *Server) register(c *socket) (refused *ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &closeGoingAway
	}
	same := 0
	for other := range s.sockets {
		if other.account == c.account {
			same++
		}
	}
	if same >= maxSockets {
		return &closeTooMany
	}
	s.sockets[c] = struct{}{}
	s.serving.Add(1)
	return nil
}

func (s *Server) unregister(c *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sockets, c)
	s.serving.Done()
}

// Close ends every socket and waits for it; new ones are refused. POST requests are not affected.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.sockets {
		c.stop(closeGoingAway)
	}
	s.mu.Unlock()
	s.serving.Wait()
}
