package bwe

import (
	"math/rand/v2"
	"testing"
)

// frames feeds a Controller that has a fixed estimate, as there is no feedback.
type frames struct {
	c     *Controller
	now   int64
	frame uint32
	sent  []Packet // what left at once or from the queue, in order
}

func newFrames(bps int64) *frames {
	return &frames{c: NewController(Config{Start: bps}), now: second}
}

func (f *frames) send(p Packet, packets int) {
	f.frame++
	p.Kind, p.Frame = KindVideo, f.frame
	for range packets {
		if _, ok := f.c.Send(f.now, p.Kind, 1000); ok {
			f.sent = append(f.sent, p)
		} else {
			f.c.Queue(f.now, &p, make([]byte, 20), make([]byte, 980))
		}
	}
}

func (f *frames) wait(ns int64) {
	for end := f.now + ns; f.now < end; {
		f.now += 5 * millisecond
		f.c.Tick(f.now)
		for p, _, ok := f.c.Next(f.now); ok; p, _, ok = f.c.Next(f.now) {
			f.sent = append(f.sent, *p)
		}
	}
}

func TestOrdinaryFramesPassAtOnce(t *testing.T) {
	f := newFrames(2_000_000)
	for range 300 {
		f.send(Packet{Track: 1}, 7) // 1.7 Mbit/s at 30 frames/s
		if f.c.Waiting() {
			t.Fatalf("frame %d waits", f.frame)
		}
		f.wait(35 * millisecond)
	}
	if len(f.sent) != 2100 {
		t.Errorf("%d packets left", len(f.sent))
	}
}

func TestKeyFrameIsSpread(t *testing.T) {
	f := newFrames(2_000_000)
	f.send(Packet{Track: 1, Key: true}, 60) // 480 kbit
	if n := len(f.sent); n < 5 || n > 12 {
		t.Errorf("%d packets left at once", n)
	}
	f.wait(50 * millisecond)
	if n := len(f.sent); n < 20 || n > 40 {
		t.Errorf("%d packets after 50 ms", n)
	}
	f.wait(150 * millisecond)
	if f.c.Waiting() || len(f.sent) != 60 {
		t.Errorf("%d packets after 200 ms", len(f.sent))
	}
}

func TestAudioPassesTheQueue(t *testing.T) {
	f := newFrames(300_000)
	f.send(Packet{Track: 1, Key: true}, 50)
	if !f.c.Waiting() {
		t.Fatal("nothing waits")
	}
	for range 20 {
		if _, ok := f.c.Send(f.now, KindAudio, 160); !ok {
			t.Fatal("audio was held back")
		}
	}
}

// TestOverloadDropsInOrder: first what no other frame needs, then the oldest frames, never a key frame.
func TestOverloadDropsInOrder(t *testing.T) {
	f := newFrames(300_000)
	f.send(Packet{Track: 1, Key: true}, 10)
	for i := range 40 { // 2.4 Mbit/s
		f.send(Packet{Track: 1, Discardable: i%2 == 1}, 10)
		f.wait(35 * millisecond)
		if len(f.c.Broken()) > 0 {
			break
		}
	}
	if broken := f.c.Broken(); len(broken) != 1 || broken[0] != 1 {
		t.Fatalf("broken tracks %v", broken)
	}
	if f.c.Stats().Dropped < 30 {
		t.Errorf("%d packets dropped", f.c.Stats().Dropped)
	}
	keys := 0
	for _, p := range f.sent {
		if p.Key {
			keys++
		}
	}
	if keys != 10 {
		t.Errorf("%d packets of the key frame left", keys)
	}
	f.wait(second)
	f.sent = nil
	f.send(Packet{Track: 1}, 1)
	f.send(Packet{Track: 2}, 1)
	f.wait(100 * millisecond)
	if len(f.sent) != 1 || f.sent[0].Track != 2 {
		t.Errorf("left: %+v", f.sent)
	}
	f.send(Packet{Track: 1, Key: true}, 2)
	f.send(Packet{Track: 1}, 1)
	f.wait(200 * millisecond)
	if len(f.sent) != 4 || len(f.c.Broken()) != 0 {
		t.Errorf("left after a key frame: %+v", f.sent)
	}
}

func TestQueueDelayIsBounded(t *testing.T) {
	f := newFrames(500_000)
	for range 200 {
		f.send(Packet{Track: 1, Discardable: f.frame%3 != 0, Key: f.frame%50 == 0}, 8)
		f.wait(35 * millisecond)
		if s := f.c.pacer.video.peek(); s != nil && !s.Key && f.now-s.since > maxDelay+10*millisecond {
			t.Fatalf("a packet has waited for %d ms", (f.now-s.since)/millisecond)
		}
	}
}

// TestRetransmissionsAreBounded: a receiver that asks for everything again does not get the whole line for it.
func TestRetransmissionsAreBounded(t *testing.T) {
	f := newFrames(1_000_000)
	bytes := 0
	for range 1000 {
		for range 5 {
			if _, ok := f.c.Send(f.now, KindRetransmission, 1000); ok {
				bytes += 1000
			} else {
				f.c.Queue(f.now, &Packet{Kind: KindRetransmission, Track: 1}, nil, make([]byte, 1000))
			}
		}
		f.now += 5 * millisecond
		for p, _, ok := f.c.Next(f.now); ok; p, _, ok = f.c.Next(f.now) {
			bytes += len(p.Data)
		}
	}
	if rate := bytes * 8 / 5; rate < 400_000 || rate > 600_000 {
		t.Errorf("retransmissions at %d bit/s", rate)
	}
}

func TestForget(t *testing.T) {
	f := newFrames(300_000)
	f.send(Packet{Track: 1}, 20)
	f.send(Packet{Track: 2}, 5)
	f.c.Forget(1)
	f.sent = nil
	f.wait(300 * millisecond)
	if len(f.sent) != 5 || f.sent[0].Track != 2 {
		t.Errorf("%d packets left", len(f.sent))
	}
}

func TestQueueGivesItsMemoryBack(t *testing.T) {
	f := newFrames(300_000)
	f.send(Packet{Track: 1, Key: true}, 100)
	f.wait(3 * second)
	if f.c.Waiting() || f.c.pacer.video.slots == nil {
		t.Fatal("still waiting, or no memory was taken")
	}
	f.wait(6 * second)
	if f.c.pacer.video.slots != nil {
		t.Error("the memory is still held")
	}
}

// TestOrderWithinTracks: whatever is dropped, what leaves of a track leaves in order, and intact.
func TestOrderWithinTracks(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		c, now := NewController(Config{Start: 400_000}), int64(second)
		sent, left := [4]int{}, [4]int{}
		check := func(track uint32, n int) {
			if n <= left[track] {
				t.Fatalf("seed %d: packet %d of track %d after %d", seed, n, track, left[track])
			}
			left[track] = n
		}
		for range 3000 {
			now += r.Int64N(8 * millisecond)
			track := uint32(1 + r.IntN(3))
			sent[track]++
			n := sent[track]
			p := Packet{Kind: KindVideo, Track: track, Frame: uint32(n / 5), Key: n/5%20 == 0, Discardable: n/5%3 == 1}
			if _, ok := c.Send(now, p.Kind, 500); ok {
				check(track, n)
			} else {
				c.Queue(now, &p, []byte{byte(n), byte(n >> 8)}, make([]byte, 498))
			}
			if r.IntN(3) > 0 {
				continue
			}
			c.Tick(now)
			for p, _, ok := c.Next(now); ok; p, _, ok = c.Next(now) {
				check(p.Track, int(p.Data[0])|int(p.Data[1])<<8)
				if len(p.Data) != 500 {
					t.Fatalf("%d bytes", len(p.Data))
				}
			}
		}
		if left[1] < 100 {
			t.Fatalf("seed %d: only %d packets left", seed, left[1])
		}
	}
}
