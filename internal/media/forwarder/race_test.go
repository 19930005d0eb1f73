package forwarder

import (
	"sync"
	"testing"
)

// TestEverythingAtOnce uses all entry points from goroutines of their own, as the socket's reader, the
// room's clock and signaling do. It is for the race detector; in the end every receiver must still be served.
func TestEverythingAtOnce(t *testing.T) {
	senders := []*sender{newSender(100), newSender(200)}
	var rs []*receiver
	for range 4 {
		r := newReceiver()
		r.d.SetSource(senders[0].track)
		rs = append(rs, r)
	}
	const rounds = 300
	var wg sync.WaitGroup
	run := func(f func(i int)) {
		wg.Go(func() {
			for i := range rounds {
				f(i)
			}
		})
	}
	for _, s := range senders {
		run(func(i int) { s.send(s.frame(i%10 == 0, 4)...) })
		run(func(i int) {
			s.up.Tick(nil, int64(1000+i*20)*ms)
			s.track.Stats()
			s.track.RequestKeyFrame()
		})
	}
	for k, r := range rs {
		run(func(i int) {
			r.d.SetSource(senders[(i+k)%2].track)
			r.d.SetPaused(i%3 == 0)
			r.d.SwitchTo(senders[(i+k+1)%2].track)
			r.d.SetLayers(uint8(i%3), uint8(i%4))
		})
		run(func(i int) {
			r.down.Tick(nil, int64(1000+i*200)*ms)
			for _, p := range r.out.take() {
				r.feedback(t, int64(1000+i*20)*ms, nack(p.SequenceNumber, p.SequenceNumber-1))
			}
		})
	}
	wg.Wait()
	for k, r := range rs {
		r.d.SetPaused(false)
		r.d.SetSource(nil)
		r.d.SetSource(senders[0].track)
		r.out.take()
		senders[0].send(senders[0].frame(true, 2)...)
		if n := len(r.out.take()); n != 2 {
			t.Errorf("receiver %d gets %d packets of 2", k, n)
		}
	}
	for _, s := range senders {
		s.up.RemoveTrack(s.track)
	}
}
