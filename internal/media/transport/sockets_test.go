package transport

import (
	"fmt"
	"testing"
)

// TestSeveralSockets calls through a port that several sockets share, on each kind of address.
func TestSeveralSockets(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "0.0.0.0:0", ":0"} {
		t.Run(address, func(t *testing.T) {
			s := listen(t, Config{Listen: address, sockets: 4})
			if len(s.sockets) != 4 {
				t.Fatalf("%d sockets", len(s.sockets))
			}
			for i := range 16 {
				p, h := newPeer(t, s), newRecorder()
				c := p.connect(s, h)
				text := fmt.Sprintf("peer %d", i)
				p.send(p.protect(7, 1, text))
				if got := receive(t, "HandleRTP", h.rtp); string(got.payload) != text {
					t.Fatalf("received %q", got.payload)
				}
				p.hears(c, s, text)
			}
			used := 0
			for _, each := range s.sockets {
				if each.received.Load() > 0 {
					used++
				}
			}
			if used < 2 {
				t.Errorf("%d of the sockets were used", used)
			}
		})
	}
}

// A port that is shared among the sockets of one server is still not free for another.
func TestPortIsNotSharedWithAnotherServer(t *testing.T) {
	for _, sockets := range []int{1, 3} {
		s := listen(t, Config{sockets: sockets})
		if other, err := Listen(Config{Listen: s.Addr().String(), sockets: sockets}); err == nil {
			other.Close()
			t.Errorf("with %d sockets, two servers listen on %v", sockets, s.Addr())
		}
	}
}
