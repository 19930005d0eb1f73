package mixer

import "carillon/internal/media/opus"

// stereo is what a step needs beyond the mono mix. A room has it from its first stereo listener on.
type stereo struct {
	sum   [opus.FrameSamples]float32     // side of all talkers
	mixed [opus.FrameSamples]float32     // side of one mix
	frame [2 * opus.FrameSamples]float32 // input of an encoder

	past [2 * pastSamples]float32 // of both channels
}

// interleaved makes both channels of what was heard.
func (w *stereo) interleaved(p *past) []float32 {
	p.room(0, true) // there may have been no side so far
	interleave(w.past[:], p.mid, p.side)
	return w.past[:]
}

// input is what the encoder of a mix gets in this step. mid is that of the mix.
func (r *Room) input(m *mix, mid *[opus.FrameSamples]float32) []float32 {
	if !m.coding.stereo {
		return mid[:]
	}
	w := r.stereo
	r.talkers.mix(m, true, &w.sum, &w.mixed)
	interleave(w.frame[:], mid[:], w.mixed[:])
	return w.frame[:]
}
