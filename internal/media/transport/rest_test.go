package transport

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"carillon/internal/errs"
)

// restNow lets a connection rest as if its time had come.
func restNow(t *testing.T, c *Conn) {
	t.Helper()
	eventually(t, "the association rests", func() bool {
		c.restIfDue(Now() + int64(restAfter))
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.rested != nil
	})
}

func awake(c *Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil
}

func TestRestingConnectionTakesNoGoroutine(t *testing.T) {
	s := listen(t, Config{})
	before := runtime.NumGoroutine()
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	const peers = 3 // of the client
	eventually(t, "the goroutines of the server's side end", func() bool { return libraryGoroutines() <= peers })
	if awake(c) {
		t.Error("it does not rest after the handshake")
	}
	t.Logf("%d goroutines before, %d after", before, runtime.NumGoroutine())
	p.send(p.protect(7, 1, "media goes on"))
	receive(t, "HandleRTP", h.rtp)
	p.hears(c, s, "both ways")
}

// libraryGoroutines counts those of the DTLS library.
func libraryGoroutines() int {
	stacks := make([]byte, 1<<20)
	n := 0
	for _, one := range bytes.Split(stacks[:runtime.Stack(stacks, true)], []byte("\n\n")) {
		if bytes.Contains(one, []byte("pion/dtls")) {
			n++
		}
	}
	return n
}

// disturb lets an association rest and wakes it, a few times: forged alerts do that, and change nothing.
func disturb(t *testing.T, p *peer, c *Conn) {
	t.Helper()
	restNow(t, c)
	for range 3 {
		p.send([]byte{recordAlert, 254, 253, 0, 1, 0, 0, 0, 0, 0, 99, 0, 2, 1, 0})
		eventually(t, "the association is awake", func() bool { return awake(c) })
		restNow(t, c)
	}
}

// resting is a connection that rests, and that has been disturbed before if that is wanted.
func resting(t *testing.T, disturbed bool) (*Server, *peer, *recorder, *Conn) {
	t.Helper()
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	if restNow(t, c); disturbed {
		disturb(t, p, c)
	}
	return s, p, h, c
}

func TestRestingConnectionNoticesItsEnd(t *testing.T) {
	for _, disturbed := range []bool{false, true} {
		_, p, h, _ := resting(t, disturbed)
		p.session.Close()
		if err := receive(t, "HandleClosed", h.closed); errs.CodeOf(err) != errs.Gone {
			t.Errorf("closed because of %v", err)
		}
	}
}

func TestRestingConnectionSaysGoodbye(t *testing.T) {
	for name, end := range map[string]func(*Server, *Conn){
		"connection closed": func(_ *Server, c *Conn) { c.Close() },
		"server closed":     func(s *Server, _ *Conn) { s.Close() },
	} {
		for _, disturbed := range []bool{false, true} {
			s, p, h, c := resting(t, disturbed)
			end(s, c)
			p.session.SetReadDeadline(time.Now().Add(patience))
			if _, err := p.session.Read(make([]byte, 100)); err == nil || !strings.Contains(err.Error(), "EOF") {
				t.Errorf("%s, disturbed %v: the client's DTLS ended with %v, want close_notify", name, disturbed, err)
			}
			if len(h.closed) != 0 {
				t.Errorf("%s: HandleClosed was called", name)
			}
		}
	}
}

// The answer to the client's last flight was lost: the client repeats the flight, and gets the answer again.
func TestRestingConnectionRepeatsItsLastFlight(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	disturb(t, p, c)
	c.mu.Lock()
	flight := c.rested.flight
	c.mu.Unlock()
	if len(flight) == 0 || len(flight) > 2 || flight[0][0] != recordChangeCipherSpec && flight[0][0] != recordHandshake {
		t.Fatalf("the last flight is % x", flight)
	}
	before := s.Stats().Sent
	const repeated = 20
	for range repeated {
		p.send([]byte{recordHandshake, 254, 253, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0})
	}
	eventually(t, "the flight is sent again", func() bool { return s.Stats().Sent >= before+uint64(len(flight)) })
	if awake(c) {
		t.Error("a repeated flight wakes the association")
	}
	p.hears(c, s, "the client took no harm") // and the server has read all of them
	if sent := s.Stats().Sent - before; sent >= uint64(repeated*len(flight)) {
		t.Errorf("%d datagrams in answer to %d: it is not once for those that come together", sent, repeated)
	}
}
