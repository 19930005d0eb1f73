package forwarder

import (
	"testing"
	"time"

	"carillon/internal/media/transport"
)

// bomb is a connection whose feedback panics.
type bomb struct{ recorder }

func (*bomb) WriteRTCP(*transport.Batch, []byte) error { panic("boom") }

// The transport recovers a panic and ends the connection. Then the room takes its tracks away, with its lock held.
func TestTrackCanBeRemovedAfterPanic(t *testing.T) {
	s := newSender(100)
	s.up.cfg.Writer = &bomb{}
	r := newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 1)...)
	func() {
		defer func() {
			if recover() == nil {
				t.Fatal("asking for the missing packet did not panic")
			}
		}()
		s.seq++ // lost
		s.send(s.frame(false, 1)...)
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.up.RemoveTrack(s.track)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the track cannot be removed any more")
	}
}
