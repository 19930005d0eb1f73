package bwe

import "testing"

func TestCopies(t *testing.T) {
	for _, c := range []struct {
		name            string
		loss            float64
		estimate, acked int64 // bit/s
		want            int
	}{
		{"a clean path", 0.005, 2_000_000, 500_000, 1},
		{"a lossy one with room", 0.05, 2_000_000, 1_000_000, 2},
		{"a lossy one that is full", 0.05, 2_000_000, 1_800_000, 1},
		{"a lossy, thin one", 0.05, 400_000, 100_000, 1},
		{"one that is hardly of use", 0.15, 400_000, 390_000, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewController(Config{})
			s.estimate, s.loss.known = c.estimate, true
			for i := range s.loss.least {
				s.loss.least[i] = c.loss
			}
			for at := int64(0); at < 2*second; at += bucketTime {
				s.acked.add(at, int(c.acked*bucketTime/second/8))
			}
			if got := s.Copies(); got != c.want {
				t.Errorf("%d copies, want %d", got, c.want)
			}
		})
	}
}

func TestLossyIsNotFull(t *testing.T) {
	for _, c := range []struct {
		loss  float64
		delay int64
		want  bool
	}{{0.01, 0, false}, {0.05, 10 * millisecond, true}, {0.05, 200 * millisecond, false}} {
		s := NewController(Config{})
		s.loss.smooth, s.queuing.delay = c.loss, c.delay
		if got := s.Lossy(); got != c.want {
			t.Errorf("loss %v, queue of %d ms: %v", c.loss, c.delay/millisecond, got)
		}
	}
}
