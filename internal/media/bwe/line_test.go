package bwe

import (
	"fmt"
	"testing"
)

// TestLateBursts is a radio link that stalls now and then and then delivers what it held.
func TestLateBursts(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		s := newCall(seed, clean(6_000_000), simulcast(1, 1))
		s.every(1500*millisecond, func(now int64) {
			s.link.free = max(s.link.free, now+50*millisecond+s.random.Int64N(100*millisecond))
		})
		s.trace(t)
		s.run(second + 60*second)
		top := 0
		levels := s.videos[0].levels[100:]
		for _, level := range levels {
			if level == Paused {
				t.Fatal("paused")
			}
			if level == 2 {
				top++
			}
		}
		if top*2 < len(levels) {
			t.Errorf("on the top layer %d of %d times, estimate %d", top, len(levels), s.c.Estimate())
		}
	})
}

func TestNarrowLineFromTheStart(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		s := newCall(seed, clean(450_000), simulcast(1, 1))
		s.trace(t)
		s.run(second + 5*second)
		s.videos[0].levels = nil
		s.run(s.now + 25*second)
		for i, level := range s.videos[0].levels {
			if level != 0 {
				t.Fatalf("layer %d after %d ms", level, 5000+i*100)
			}
		}
		if worst := s.videos[0].receiver.worst; worst > 1500*millisecond {
			t.Errorf("frozen for %d ms", worst/millisecond)
		}
	})
}

// TestImportantVideoKeepsItsLayer: what is lost, the less important video loses.
func TestImportantVideoKeepsItsLayer(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		s := newCall(seed, clean(8_000_000), simulcast(1, 5), simulcast(2, 1), simulcast(3, 1))
		s.trace(t)
		s.run(second + 15*second)
		for i, v := range s.videos {
			if v.Current != 2 {
				t.Fatalf("video %d on layer %d before the cut, estimate %d", i, v.Current, s.c.Estimate())
			}
		}
		s.link.rate = 3_600_000
		s.run(s.now + 12*second)
		first := s.videos[0].levels
		for _, level := range first[len(first)-20:] {
			if level != 2 {
				t.Fatalf("the important video fell to layer %d, estimate %d", level, s.c.Estimate())
			}
		}
		for i, v := range s.videos[1:] {
			if v.Current != 0 && v.Current != 1 {
				t.Errorf("video %d on layer %d", i+1, v.Current)
			}
		}
	})
}

// TestCompetingTraffic: another stream takes two thirds of the line and goes away again.
// A busy machine, or a wireless network, holds packets back for a moment. That is no congestion.
func TestStallsCostNoLayer(t *testing.T) {
	for _, c := range []struct {
		rate, stall int64
		layer       int
	}{{3_000_000, 30, 2}, {3_000_000, 80, 2}, {450_000, 30, 0}, {450_000, 80, 0}} {
		t.Run(fmt.Sprintf("%d %d", c.rate, c.stall), func(t *testing.T) {
			eachSeed(t, func(t *testing.T, seed uint64) {
				l := clean(c.rate)
				l.stall = c.stall * millisecond
				s := newCall(seed, l, simulcast(1, 1))
				s.trace(t)
				s.run(second + 15*second)
				s.videos[0].levels = nil
				s.run(s.now + 60*second)
				below := 0
				for _, level := range s.videos[0].levels {
					if level < c.layer {
						below++
					}
				}
				if share := float64(below) / float64(len(s.videos[0].levels)); share > 0.05 {
					t.Errorf("below the layer that fits for %.0f %% of the time, estimate %d", 100*share, s.c.Estimate())
				}
			})
		})
	}
}

// A way that becomes longer while little is sent says nothing of what the line holds: the estimate yields, but does
// not fall to what happens to be sent.
func TestLongerWay(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		l := clean(3_000_000)
		l.stall = 30 * millisecond
		s := newCall(seed, l, simulcast(1, 1))
		s.trace(t)
		s.run(second + 15*second)
		s.videos[0].Layers = s.videos[0].Layers[:1] // the sender has little to send
		s.videos[0].Layers[0].Bitrate, s.videos[0].Current = 150_000, 0
		s.run(s.now + 3*second)
		before, least := s.c.Estimate(), s.c.Estimate()
		s.link.delay += 80 * millisecond
		for range 60 {
			s.run(s.now + 50*millisecond)
			least = min(least, s.c.Estimate())
		}
		if least < before/8 {
			t.Errorf("the estimate fell from %d to %d", before, least)
		}
	})
}

func TestCompetingTraffic(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		s := newCall(seed, clean(4_000_000), simulcast(1, 1))
		s.trace(t)
		until := s.now + 40*second
		s.every(4*millisecond, func(now int64) {
			if now > s.start+15*second && now < until {
				s.link.send(now, 1250-overhead) // 2.5 Mbit/s
			}
		})
		s.run(until)
		v := s.videos[0]
		middle, last := 0, v.levels[len(v.levels)-150:]
		for _, level := range last {
			if level == Paused {
				t.Fatal("paused beside other traffic")
			}
			if level == 1 {
				middle++
			}
		}
		if middle*3 < len(last)*2 {
			t.Errorf("on the middle layer %d of %d times beside other traffic", middle, len(last))
		}
		s.run(s.now + 10*second)
		if v.Current != 2 {
			t.Errorf("layer %d after the other traffic, estimate %d", v.Current, s.c.Estimate())
		}
	})
}

// TestOffline: nothing gets through for ten seconds.
func TestOffline(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		s := newCall(seed, clean(4_000_000), simulcast(1, 1))
		s.trace(t)
		s.run(second + 15*second)
		s.link.loss, s.up.loss = 1, 1
		s.run(s.now + 10*second)
		if s.c.Estimate() > 400_000 {
			t.Errorf("estimate %d without feedback", s.c.Estimate())
		}
		s.link.loss, s.up.loss = 0, 0
		v := s.videos[0]
		shown := v.receiver.count
		s.run(s.now + 4*second)
		if v.receiver.count-shown < 30 {
			t.Errorf("%d frames in the first 4 s", v.receiver.count-shown)
		}
		s.run(s.now + 6*second)
		if v.Current != 2 {
			t.Errorf("layer %d 10 s later, estimate %d", v.Current, s.c.Estimate())
		}
	})
}

// TestAudioIsNeverHeldBack: it leaves when it is made, whatever waits.
func TestAudioIsNeverHeldBack(t *testing.T) {
	s := newCall(1, clean(400_000), simulcast(1, 1), simulcast(2, 1), simulcast(3, 1))
	s.run(second + 20*second)
	if s.audioSent != 1000 || s.audioArrived < 950 {
		t.Errorf("%d of %d audio packets arrived", s.audioArrived, s.audioSent)
	}
}
