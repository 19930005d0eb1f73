package bwe

import (
	"testing"

	mediartp "carillon/internal/media/rtp"
)

// Of a receiver that takes numbers on a part of what it is sent only, REMB says more.
func TestPartlyNumbered(t *testing.T) {
	c := NewController(Config{})
	var twcc mediartp.TWCC
	for now := int64(second); now < 10*second; now += 20 * millisecond {
		seq, _ := c.Send(now, KindAudio, 100)
		twcc.Record(seq, now+20*millisecond)
		c.SendUnnumbered(now, KindVideo, 1000)
		if now%(100*millisecond) == 0 {
			c.HandleFeedback(twcc.AppendFeedback(nil, 1, 2), now+40*millisecond)
			c.HandleREMB(4_000_000, now+40*millisecond)
		}
	}
	if got := c.Estimate(); got != 4_000_000 {
		t.Errorf("estimate %d", got)
	}
}

func TestHistoryFindsWhatWasSent(t *testing.T) {
	h := history{live: true}
	for i := range 200_000 {
		now := int64(i) * millisecond
		seq := h.add(now, 100+i%1000, 0)
		if seq != uint16(i) {
			t.Fatalf("packet %d got number %d", i, seq)
		}
		for _, back := range []int{0, 1, 100, 1000, 1999} {
			if back > i {
				continue
			}
			p := h.find(seq - uint16(back))
			if p == nil || p.at != now-int64(back)*millisecond || int(p.size) != 100+(i-back)%1000 {
				t.Fatalf("packet %d back from %d: %+v", back, i, p)
			}
		}
		if p := h.find(seq + 1); p != nil && i < 1<<16-1 {
			t.Fatalf("found packet %d, which was not sent: %+v", i+1, p)
		}
	}
	if len(h.ring) > maxHistory {
		t.Errorf("%d packets remembered", len(h.ring))
	}
}

func TestHistoryStaysSmallWithoutFeedback(t *testing.T) {
	var h history
	for i := range 10_000 {
		h.add(int64(i)*millisecond, 1000, 0)
	}
	if len(h.ring) != minHistory {
		t.Errorf("%d packets remembered", len(h.ring))
	}
}

func TestRate(t *testing.T) {
	var r rate
	if r.over(second) != 0 {
		t.Error("a rate of nothing")
	}
	for i := range 200 { // 1000 bytes each 10 ms
		r.add(int64(i)*10*millisecond, 1000)
	}
	for _, window := range []int64{200 * millisecond, second} {
		if got := r.over(window); got != 800_000 {
			t.Errorf("rate over %d ms: %d", window/millisecond, got)
		}
	}
	r.add(second, 1000) // the clock was set back
	r.add(second+40*millisecond, 1000)
	if got := r.over(40 * millisecond); got == 0 {
		t.Error("no rate after the clock was set back")
	}
}

func TestRemoteClockWraps(t *testing.T) {
	var r remoteClock
	last := int64(-1 << 62)
	for i := range 5 {
		for reference := int32(-1 << 23); reference < 1<<23; reference += 1 << 18 {
			at := int64(reference)*referenceUnit + r.unwrap(reference)
			if at <= last {
				t.Fatalf("round %d: time %d after %d", i, at, last)
			}
			last = at
		}
	}
}

func TestOnlyREMB(t *testing.T) {
	c := NewController(Config{})
	c.Send(second, KindVideo, 1000)
	if c.Estimate() != defaultStart {
		t.Errorf("estimate %d at the start", c.Estimate())
	}
	for _, bps := range []int64{3_000_000, 400_000, 2_500_000} {
		c.HandleREMB(bps, second)
		if c.Estimate() != bps {
			t.Errorf("estimate %d after a REMB of %d", c.Estimate(), bps)
		}
	}
	for at := int64(second); at < 20*second; at += 5 * millisecond {
		c.Send(at, KindVideo, 1000)
		c.Tick(at)
	}
	if c.Estimate() != 2_500_000 {
		t.Errorf("estimate %d without new reports", c.Estimate())
	}
	c.HandleREMB(1, 20*second)
	if c.Estimate() != defaultMin {
		t.Errorf("estimate %d after a REMB of 1", c.Estimate())
	}
}

func TestREMBCapsTheEstimate(t *testing.T) {
	s := newCall(1, clean(5_000_000), simulcast(1, 1))
	s.every(second, func(now int64) { s.c.HandleREMB(900_000, now) })
	s.run(second + 15*second)
	if s.c.Estimate() != 900_000 || s.videos[0].Current > 1 {
		t.Errorf("estimate %d, layer %d", s.c.Estimate(), s.videos[0].Current)
	}
}

// TestNoGrowthWithoutProof: a call of audio alone says nothing about a line, and is not probed for nothing.
func TestNoGrowthWithoutProof(t *testing.T) {
	s := newCall(1, clean(50_000_000))
	s.run(second + 60*second)
	if s.c.Estimate() > defaultStart || s.probed > 0 {
		t.Errorf("estimate %d, %d bytes of probes", s.c.Estimate(), s.probed)
	}
}

// TestProbesEnd: with all layers sent there is nothing to probe for.
func TestProbesEnd(t *testing.T) {
	s := newCall(1, clean(8_000_000), simulcast(1, 1))
	s.run(second + 10*second)
	probed := s.probed
	s.run(s.now + 30*second)
	if probed == 0 || s.probed != probed {
		t.Errorf("%d bytes of probes in the first 10 s, %d after 40 s", probed, s.probed)
	}
}

// TestProbesAreCheap: a line that holds no more is not filled with probes.
func TestProbesAreCheap(t *testing.T) {
	s := newCall(1, clean(500_000), simulcast(1, 1))
	s.run(second + 60*second)
	if share := float64(s.probed) * 8 / 60 / 500_000; share == 0 || share > 0.05 {
		t.Errorf("%.1f %% of the line for probes", share*100)
	}
}

// stream is a steady flow of packets with their feedback, for measurements.
type stream struct {
	c    *Controller
	twcc mediartp.TWCC
	now  int64
	raw  []byte
}

func (s *stream) step() {
	for range 100 { // 10 Mbit/s
		s.now += millisecond
		if seq, ok := s.c.Send(s.now, KindVideo, 1200); ok {
			s.twcc.Record(seq, s.now+20*millisecond)
		}
		s.c.Tick(s.now)
	}
	for s.twcc.Pending() {
		s.raw = s.twcc.AppendFeedback(s.raw[:0], 1, 2)
		s.c.HandleFeedback(s.raw, s.now+40*millisecond)
	}
}

func TestNoAllocations(t *testing.T) {
	s := &stream{c: NewController(Config{Start: 15_000_000}), now: second}
	for range 50 {
		s.step()
	}
	if n := testing.AllocsPerRun(50, s.step); n != 0 {
		t.Errorf("%v allocations for 100 packets and their feedback", n)
	}

	c := NewController(Config{Start: 500_000})
	now, payload := int64(second), make([]byte, 1100)
	queue := func() {
		now += 30 * millisecond
		for i := range 6 {
			if _, ok := c.Send(now, KindVideo, 1200); !ok {
				c.Queue(now, &Packet{Kind: KindVideo, Track: 1, Frame: uint32(now), Key: i == 0}, payload[:100], payload)
			}
		}
		for _, _, ok := c.Next(now); ok; _, _, ok = c.Next(now) {
		}
		c.Tick(now)
	}
	for range 100 {
		queue()
	}
	if n := testing.AllocsPerRun(100, queue); n != 0 {
		t.Errorf("%v allocations for packets that wait", n)
	}

	var a Allocator
	videos := []Video{simulcast(1, 1), simulcast(2, 1), simulcast(3, 2)}
	a.Allocate(2_000_000, 2_000_000, videos)
	if n := testing.AllocsPerRun(100, func() { a.Allocate(2_000_000, 1_500_000, videos) }); n != 0 {
		t.Errorf("%v allocations for a plan", n)
	}
}

// BenchmarkSend is what the fast path pays for one packet.
func BenchmarkSend(b *testing.B) {
	c := NewController(Config{Start: 20_000_000})
	now := int64(second)
	b.ReportAllocs()
	for b.Loop() {
		now += millisecond
		if _, ok := c.Send(now, KindVideo, 1200); !ok {
			b.Fatal("held back")
		}
	}
}

func BenchmarkFeedback(b *testing.B) {
	s := &stream{c: NewController(Config{Start: 15_000_000}), now: second}
	b.ReportAllocs()
	for b.Loop() {
		s.step()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/packet")
}

func BenchmarkAllocate25Videos(b *testing.B) {
	var a Allocator
	var videos []Video
	for i := range 25 {
		videos = append(videos, simulcast(uint32(i), uint32(i%3)))
	}
	b.ReportAllocs()
	for b.Loop() {
		a.Allocate(8_000_000, 8_000_000, videos)
	}
}
