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

// apply works on a frame of that many interleaved channels, all of which get the same gain.
func (l *limiter) apply(pcm []float32, channels int) {
	var peak float32
	for _, v := range pcm {
		peak = max(peak, v, -v)
	}
	gain := 1 - l.cut
	target := min(1, gain*release)
	if peak*target > ceiling {
		target = ceiling / peak
	}
	if gain == 1 && target == 1 && peak <= ceiling {
		return
	}
	ramp := opus.FrameSamples
	if target < gain {
		ramp = attack
	}
	delta := (target - gain) / float32(ramp)
	for i := 0; len(pcm) > 0; i++ {
		if i < ramp {
			gain += delta
		} else {
			gain = target
		}
		for c := range pcm[:channels] {
			pcm[c] = bend(pcm[c] * gain)
		}
		pcm = pcm[channels:]
	}
	l.cut = 1 - target
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
