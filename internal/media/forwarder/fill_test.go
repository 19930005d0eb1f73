package forwarder

import (
	"testing"

	mediartp "carillon/internal/media/rtp"
)

// A picture is cut into packets that differ by a byte. To the receiver they leave in one size, which the kernel can
// send at once, and what is in them stays as it was.
func TestPacketsOfAPictureGetOneSize(t *testing.T) {
	for _, c := range []struct {
		name string
		rtx  bool
	}{{"with RTX", true}, {"plain", false}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSender(100)
			r := newReceiver(func(cfg *DownConfig) {
				if !c.rtx {
					cfg.RTXSSRC = 0
				}
			})
			r.d.SetSource(s.track)
			s.send(s.frame(true, 1)...)
			r.out.take()
			frame := s.frame(false, 4)
			for i := range frame {
				grown := make([]byte, 1001+i/2)
				copy(grown, frame[i].Payload)
				frame[i].Payload = grown
			}
			s.send(frame...)
			sizes := map[int]bool{}
			got := r.out.take()
			for i, p := range got {
				sizes[len(p.Payload)+int(p.PaddingSize)] = true
				if len(p.Payload) != len(frame[i].Payload) {
					t.Errorf("packet %d has a payload of %d bytes, want %d", i, len(p.Payload), len(frame[i].Payload))
				}
			}
			if want := map[bool]int{true: 1, false: 2}[c.rtx]; len(got) != 4 || len(sizes) != want {
				t.Errorf("%d packets of sizes %v, want %d", len(got), sizes, want)
			}
			if !c.rtx {
				return
			}
			r.feedback(t, s.now, nack(got[0].SequenceNumber))
			again := r.out.take()
			if len(again) != 1 {
				t.Fatalf("%d retransmissions", len(again))
			}
			if _, payload, _ := mediartp.DecapsulateRTX(again[0].Payload); again[0].Padding || len(payload) != len(frame[0].Payload) {
				t.Errorf("the retransmission has %d bytes, padded %v", len(payload), again[0].Padding)
			}
		})
	}
}
