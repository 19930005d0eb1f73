package bwe

import (
	"fmt"
	"os"
	"testing"
)

const seeds = 4

// eachSeed runs a call under different chances; a rule that holds for one only does not hold.
func eachSeed(t *testing.T, do func(t *testing.T, seed uint64)) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { do(t, seed) })
	}
}

// trace logs the call when BWE_TRACE is set.
func (s *call) trace(t *testing.T) {
	if os.Getenv("BWE_TRACE") == "" {
		return
	}
	s.every(250*millisecond, func(now int64) {
		st := s.c.Stats()
		levels := ""
		for _, v := range s.videos {
			levels += fmt.Sprintf(" %d(shown %d worst %dms)", v.Current, v.receiver.count, v.receiver.worst/millisecond)
		}
		t.Logf("%6.2f s: %+v, demand %d of %d, waiting %d, signal %d%s", float64(now-s.start)/second, st,
			s.c.next, s.c.all, s.c.pacer.video.n, s.c.delay.state, levels)
	})
}

func clean(rate int64) link {
	return link{rate: rate, queue: 300 * millisecond, delay: 25 * millisecond, jitter: 2 * millisecond}
}

func TestReachesTheTopLayerOnAGoodLine(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		s := newCall(seed, clean(5_000_000), simulcast(1, 1))
		s.trace(t)
		s.run(second + 5*second)
		if v := s.videos[0]; v.Current != 2 {
			t.Fatalf("layer %d after 5 s, estimate %d", v.Current, s.c.Estimate())
		}
	})
}

func TestCutAndBack(t *testing.T) {
	for name, v := range map[string]Video{"three layers": simulcast(1, 1), "two layers": twoEncodings(1)} {
		for _, queue := range []int64{100, 300, 1000} {
			t.Run(fmt.Sprint(name, " queue ", queue), func(t *testing.T) {
				eachSeed(t, func(t *testing.T, seed uint64) {
					l := clean(3_000_000)
					l.queue = queue * millisecond
					cutAndBack(t, newCall(seed, l, v), len(v.Layers)-1)
				})
			})
		}
	}
}

func twoEncodings(group uint32) Video {
	return Video{Group: group, Priority: 1, Layers: []Layer{
		{Encoding: 0, Bitrate: 300_000, Width: 640, Height: 360, FrameRate: 30},
		{Encoding: 1, Bitrate: 1_200_000, Width: 1280, Height: 720, FrameRate: 30},
	}}
}

func cutAndBack(t *testing.T, s *call, top int) {
	s.trace(t)
	s.run(second + 15*second)
	v := s.videos[0]
	if v.Current != top {
		t.Fatalf("layer %d before the cut, estimate %d", v.Current, s.c.Estimate())
	}
	v.receiver.worst = 0
	s.link.rate = 400_000
	s.run(s.now + 3*second)
	if v.Current != 0 {
		t.Errorf("layer %d 3 s after the cut, estimate %d", v.Current, s.c.Estimate())
	}
	t.Logf("no new picture for %d ms at most after the cut", v.receiver.worst/millisecond)
	if v.receiver.worst > second {
		t.Errorf("frozen for %d ms after the cut", v.receiver.worst/millisecond)
	}
	v.levels, v.receiver.worst = nil, 0
	s.run(s.now + 20*second)
	for i, level := range v.levels {
		if level != 0 {
			t.Fatalf("layer %d while the line is cut, after %d ms", level, i*100)
		}
	}
	if v.receiver.worst > second {
		t.Errorf("frozen for %d ms while the line is cut", v.receiver.worst/millisecond)
	}
	v.receiver.worst = 0
	s.link.rate = 3_000_000
	s.run(s.now + 10*second)
	if v.Current != top {
		t.Errorf("layer %d 10 s after the line came back, estimate %d", v.Current, s.c.Estimate())
	}
	if v.receiver.worst > second {
		t.Errorf("frozen for %d ms after the line came back", v.receiver.worst/millisecond)
	}
}

func TestRandomLossIsNotCongestion(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		l := clean(5_000_000)
		l.loss = 0.05
		s := newCall(seed, l, simulcast(1, 1))
		s.trace(t)
		s.run(second + 10*second)
		v := s.videos[0]
		v.levels, v.receiver.freezes, v.receiver.worst = nil, 0, 0
		s.audioSent, s.audioArrived = 0, 0
		s.run(s.now + 60*second)
		top := 0
		for _, level := range v.levels {
			if level == Paused {
				t.Fatal("paused")
			}
			if level == 2 {
				top++
			}
		}
		if top*10 < len(v.levels)*9 {
			t.Errorf("on the top layer %d of %d times, estimate %d", top, len(v.levels), s.c.Estimate())
		}
		if v.receiver.freezes*100 > 60*second*2 {
			t.Errorf("frozen for %d ms of 60 s, at worst %d ms", v.receiver.freezes/millisecond, v.receiver.worst/millisecond)
		}
		if s.audioArrived*100 < s.audioSent*92 {
			t.Errorf("%d of %d audio packets arrived", s.audioArrived, s.audioSent)
		}
	})
}

func TestHeavyLossSettlesLow(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		l := clean(5_000_000)
		l.loss, l.delay = 0.2, 50*millisecond
		s := newCall(seed, l, simulcast(1, 1))
		s.trace(t)
		s.run(second + 10*second)
		v := s.videos[0]
		v.levels, v.receiver.worst = nil, 0
		s.run(s.now + 60*second)
		for i, level := range v.levels {
			if level != 0 {
				t.Fatalf("layer %d at %d, estimate %d", level, i, s.c.Estimate())
			}
		}
		if v.receiver.worst > second {
			t.Errorf("frozen for %d ms", v.receiver.worst/millisecond)
		}
	})
}

// TestHeavyLossWithTwoEncodings is the layering that Chime clients use in small meetings.
func TestHeavyLossWithTwoEncodings(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		l := clean(5_000_000)
		l.loss, l.delay = 0.2, 50*millisecond
		s := newCall(seed, l, twoEncodings(1), twoEncodings(2))
		s.trace(t)
		s.run(second + 40*second)
		for i, v := range s.videos {
			for _, level := range v.levels[150:] {
				if level != 0 {
					t.Fatalf("layer %d of video %d", level, i)
				}
			}
		}
	})
}

// TestBadLineShowsSomething: little bandwidth, of which sound with redundancy takes half, loss and jitter. A picture that
// was paused when the line became bad comes back.
func TestBadLineShowsSomething(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		v := twoEncodings(1)
		v.Layers = append([]Layer{{Bitrate: 60_000, Width: 640, Height: 360, FrameRate: 7.5}}, v.Layers...)
		s := newCall(seed, clean(5_000_000), v)
		s.audioSize = 260
		s.trace(t)
		s.run(second + 10*second)
		s.link.rate, s.link.loss, s.link.delay, s.link.jitter = 300_000, 0.1, 100*millisecond, 50*millisecond
		s.up.loss = 0.1
		s.run(s.now + 15*second)
		s.videos[0].levels = nil
		s.run(s.now + 30*second)
		shown := 0
		for _, level := range s.videos[0].levels {
			if level != Paused {
				shown++
			}
		}
		if shown*10 < len(s.videos[0].levels)*8 {
			t.Errorf("shown %d of %d times, estimate %d", shown, len(s.videos[0].levels), s.c.Estimate())
		}
	})
}
