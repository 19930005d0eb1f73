package transport

import (
	"context"
	"time"

	"github.com/pion/dtls/v3"

	"carillon/internal/errs"
)

const (
	// restAfter is how long the DTLS library stays when it has something to read after a handshake, or was woken.
	restAfter = 2 * time.Second
	// goodbyeTime bounds what a rested association takes to say that it ends.
	goodbyeTime = time.Second
)

// rested is a DTLS association without the library, which takes three goroutines and much memory for each connection.
// From the end of the handshake on there is nothing to do for it but to answer repeated flights of the peer, which the datagrams of our
// own last flight do, and to read and write close_notify, for which the library is set up again from its state.
//
// The library warns that two users of one state could protect two records under one number. There never are two: the
// pipe of the first is muted before its state is read, and each state is used once.
type rested struct {
	state    dtls.State
	flight   [][]byte
	answered int64 // when flight was sent last, 0 = not yet
}

// restIfDue takes the library off a connection that has been up for a while.
func (c *Conn) restIfDue(now int64) {
	session, pipe := c.layToRest(now)
	switch {
	case pipe == nil: // the time has not come
	case pipe.ended.Load(): // by the peer, while the pipe was muted
		c.fail(errPeerClosed())
	case session != nil:
		session.Close() // into the muted pipe
	}
}

// layToRest returns the session to be closed, nil if that cannot be, and its pipe, nil if the time has not come.
func (c *Conn) layToRest(now int64) (session *dtls.Conn, pipe *dtlsPipe) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.session == nil || c.draining || now-c.sessionSince < int64(restAfter) {
		return nil, nil
	}
	session, pipe = c.session, c.dtls
	pipe.muted.Store(true)
	state, ok := session.ConnectionState()
	if !ok || pipe.ended.Load() || !c.stay() {
		pipe.muted.Store(false)
		return nil, pipe
	}
	c.server.sessions.Done() // for what stay has stopped
	pipe.mu.Lock()
	c.rested = &rested{state: state, flight: pipe.flight}
	pipe.mu.Unlock()
	c.session, c.dtls, c.stay = nil, nil, nil
	return session, pipe
}

// disturbLocked deals with a datagram that comes to a rested association. It is true when the library is back to take it.
func (c *Conn) disturbLocked(datagram []byte) bool {
	if datagram[0] != recordAlert { // a part of the handshake: our answer to it was lost
		c.rested.answer(c, Now())
		return false
	}
	pipe := newPipe(c)
	session, err := c.rested.wake(pipe)
	if err != nil {
		c.server.log.Debug("a DTLS association cannot be taken up again", "error", err)
		return false
	}
	pipe.flight = c.rested.flight // it may still be asked for
	c.rested, c.dtls = nil, pipe
	c.server.sessions.Add(1)
	go func() {
		defer c.server.sessions.Done()
		defer c.recovered()
		c.run(session, pipe, func(*dtls.Conn) error { return nil })
	}()
	return true
}

// answer sends the last flight again, but not for each datagram of a flood.
func (r *rested) answer(c *Conn, now int64) {
	if r.answered != 0 && now-r.answered < int64(flightInterval)/2 {
		return
	}
	r.answered = max(now, 1)
	for _, datagram := range r.flight {
		c.sendDTLS(datagram)
	}
}

// wake sets the library up again.
func (r *rested) wake(pipe *dtlsPipe) (*dtls.Conn, error) {
	session, err := dtls.ResumeWithOptions(&r.state, pipe, pipe.LocalAddr(), dtls.WithFlightInterval(flightInterval), silent())
	return session, errs.Wrap(err, errs.Internal, "take up DTLS again")
}

// sayGoodbye sends the close_notify of a connection that ended while its association rested.
func (c *Conn) sayGoodbye(r *rested) {
	defer c.server.sessions.Done()
	defer c.recovered()
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime)
	defer cancel()
	session, err := r.wake(newPipe(c))
	if err == nil && session.HandshakeContext(ctx) == nil {
		session.Close()
	}
}
