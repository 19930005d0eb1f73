package transport

import "testing"

// A connectivity check that makes us panic is dropped; the reader goes on.
func TestPanicInACheckIsSurvived(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	r := testReader(s, "192.0.2.7:4567")
	batch := r.batch
	r.batch = nil // what the answer is put in
	r.handle(check(c), 1)
	if got := s.Stats().Panics; got != 1 {
		t.Fatalf("%d panics, want 1", got)
	}
	r.batch = batch
	r.handle(check(c), 2)
	if got := s.Stats().Panics; got != 1 || len(h.closed) != 0 {
		t.Errorf("%d panics, %d connections closed", got, len(h.closed))
	}
	p.send(p.protect(7, 1, "the call goes on"))
	receive(t, "HandleRTP", h.rtp)
}
