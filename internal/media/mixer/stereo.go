package mixer

import "carillon/internal/media/opus"

// stereo is what a step needs beyond the mono mix. A room has it from its first stereo listener on.
type stereo struct {
	sum   [opus.FrameSamples]float32     // side of all talkers
	mixed [opus.FrameSamples]float32     // side of one mix
	frame [2 * opus.FrameSamples]float32 // input of an encoder

	// The counterparts of those in passing.
	past   [pastSamples]float32
	primed [primedSamples]float32
	both   [2 * primedSamples]float32
}

// remember notes what the only talker said, as passing.past does.
func (w *stereo) remember(side []float32) {
	n := copy(w.past[:], w.past[opus.FrameSamples:])
	clear(w.past[n:])
	copy(w.past[n:], side)
}

// input is what the encoder of a mix gets in this step. mid is that of the mix.
func (r *Room) input(m *mix, mid *[opus.FrameSamples]float32) []float32 {
	if !m.coding.stereo {
		return mid[:]
	}
	w := r.stereo
	r.talkers.mixWithout(m.without, true, &w.sum, &w.mixed)
	interleave(w.frame[:], mid[:], w.mixed[:])
	return w.frame[:]
}

// takeStereo reports whether everybody who hears the only talker takes stereo as good as talkers may send it.
func (r *Room) takeStereo(sinks []*Sink) bool {
	if r.stereo == nil {
		return false // nobody has taken stereo so far
	}
	for _, s := range sinks {
		if s.excludes(&r.talkers) == 0 && *s.format.Load() != full {
			return false
		}
	}
	return true
}
