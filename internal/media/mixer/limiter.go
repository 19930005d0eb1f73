package mixer

import "carillon/internal/media/opus"

const (
	ceiling = 0.9  // peaks are held below this; what overshoots while the gain still falls is bent
	attack  = 96   // samples, 2 ms: how fast the gain falls
	release = 1.06 // per frame, 0.5 dB: how fast it recovers
)

// limiter keeps the sum of several voices within range without the harshness of clipping: it turns the
// volume down quickly and up slowly. The zero value is at full gain.
type limiter struct {
	cut float32 // 1 - gain
}

// apply works on a frame of that many interleaved channels, all of which get the same gain. It returns the peak of what
// it was given.
func (l *limiter) apply(pcm []float32, channels int) (peak float32) {
	peak = peakOf(pcm)
	gain := 1 - l.cut
	target := min(1, gain*release)
	if peak*target > ceiling {
		target = ceiling / peak
	}
	if gain == 1 && target == 1 {
		return peak
	}
	ramp, falls := opus.FrameSamples, target < gain
	if falls {
		ramp = attack
	}
	changing, steady := pcm[:ramp*channels], pcm[ramp*channels:]
	scale(changing, channels, gain, target)
	if falls {
		for i, v := range changing { // from here on, and while the gain rises, nothing is above the ceiling
			changing[i] = bend(v)
		}
	}
	for i := range steady {
		steady[i] *= target
	}
	l.cut = 1 - target
	return peak
}

// scale lets the gain go from one value to another.
func scale(pcm []float32, channels int, from, to float32) {
	delta := (to - from) * float32(channels) / float32(len(pcm))
	for ; len(pcm) > 0; pcm = pcm[channels:] {
		from += delta
		for c := range pcm[:channels] {
			pcm[c] *= from
		}
	}
}

func peakOf(pcm []float32) (peak float32) {
	for _, v := range pcm {
		if v < 0 {
			v = -v
		}
		if v > peak {
			peak = v
		}
	}
	return peak
}

// bend is the identity up to the ceiling and approaches 1 above it, smoothly.
func bend(v float32) float32 {
	switch {
	case v > ceiling:
		x := (v - ceiling) / (1 - ceiling)
		return ceiling + (1-ceiling)*x/(1+x)
	case v < -ceiling:
		return -bend(-v)
	}
	return v
}
