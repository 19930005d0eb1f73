package mixer

import "carillon/internal/media/opus"

// pastSamples is how much of what was passed on an encoder is fed with before it takes over.
const pastSamples = 2 * opus.FrameSamples

// past is the last pastSamples that were heard of somebody: mid and side, as in audio.
type past struct {
	mid, side []float32 // nil until there is something in them
}

// room makes room for n samples at the end, at most pastSamples, and returns it. There is a side only if wide.
func (p *past) room(n int, wide bool) audio {
	if p.mid == nil {
		p.mid = make([]float32, pastSamples)
	}
	if p.side == nil && wide {
		p.side = make([]float32, pastSamples)
	}
	out := audio{mid: shift(p.mid, n), wide: wide}
	if p.side != nil {
		out.side = shift(p.side, n)
	}
	return out
}

// shift moves all but the first n samples to the front, and returns the n behind them, which are zero.
func shift(pcm []float32, n int) []float32 {
	end := pcm[copy(pcm, pcm[n:]):]
	clear(end)
	return end
}

// keep adds audio at the end. side is empty if both channels are the same.
func (p *past) keep(mid, side []float32) {
	out := p.room(len(mid), len(side) > 0)
	copy(out.mid, mid)
	copy(out.side, side)
}

// clear makes it silence.
func (p *past) clear() { p.room(pastSamples, false) }

// remember notes what the source has said in this step.
func (s *Source) remember(step uint64) {
	s.past.keep(s.frame(false), s.frame(true))
	s.remembered = step
}
