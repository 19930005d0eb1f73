package forwarder

import (
	"slices"

	"carillon/internal/media/bwe"
)

// What the receiver reports of its line, and what is concluded from it.

// repeatable tells how often a packet that a receiver misses is to be sent again, 0 = not at all, and how long
// to wait before that may be done once more. Receivers ask again after a round trip, which is shorter than the one that is
// known here: that includes the wait for feedback. On a full line it becomes longer faster than is known.
func (s *Downstream) repeatable(d *DownTrack, seq uint16) (copies int, wait int64) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	if d.out.wasDropped(seq) {
		return 0, 0
	}
	wait = s.pace.control.RTT()
	if s.pace.control.Lossy() {
		wait = wait * 3 / 4
	}
	return s.pace.control.Copies(), wait
}

// takeFeedback takes in transport-wide feedback. It fills lost with packets that the receiver misses and that are worth being
// sent again before it asks, and returns how many those are.
func (s *Downstream) takeFeedback(raw []byte, now int64, lost *[bwe.MaxMissing]transmission) (n int) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	before := s.pace.control.Estimate()
	if !s.pace.control.HandleFeedback(raw, s.pace.advanceLocked(now)) {
		return 0
	}
	s.pace.reported = true
	s.compareLocked(before)
	if !s.pace.control.Lossy() {
		return 0
	}
	s.pace.transmissions.begin()
	for _, transport := range s.pace.control.Missing() {
		o, ok := s.pace.transmissions.missing(transport, s.pace.control)
		again := slices.ContainsFunc(lost[:n], func(l transmission) bool { return l.ssrc == o.ssrc && l.seq == o.seq })
		if ok && !again {
			lost[n] = o
			n++
		}
	}
	return n
}

// compareLocked notes a steep fall of the estimate.
func (s *Downstream) compareLocked(before int64) {
	if float64(s.pace.control.Estimate()) < steepFall*float64(before) {
		s.fell.Store(true)
	}
}

// steepFall is the share of the estimate that is left after a fall that calls for something to be done at once.
const steepFall = 0.9

// Fell tells, once, whether the estimate has fallen so much that what is sent should be chosen anew without delay:
// what is too much meanwhile waits on the way, in front of what comes next.
func (s *Downstream) Fell() bool { return s.fell.Load() && s.fell.Swap(false) }

// takeREMB takes in what the receiver believes.
func (s *Downstream) takeREMB(bps float32, now int64) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	s.pace.reported = true
	before := s.pace.control.Estimate()
	s.pace.control.HandleREMB(int64(max(min(bps, 1<<40), 0)), s.pace.advanceLocked(now))
	s.compareLocked(before)
}

// Estimate is the bandwidth to the receiver in bit/s, everything included. reported is false while it is a
// guess, as the receiver has not said anything.
func (s *Downstream) Estimate() (bps int64, reported bool) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.control.Estimate(), s.pace.reported
}

// Stats describes the congestion control.
func (s *Downstream) Stats() bwe.Stats {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.control.Stats()
}

// Budget is what video may take; see bwe.Controller.Budget.
func (s *Downstream) Budget() (now, sure int64) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.control.Budget()
}

// SetDemand says what would be sent if there were room; see bwe.Controller.SetDemand.
func (s *Downstream) SetDemand(p bwe.Plan) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	s.pace.control.SetDemand(p)
}
