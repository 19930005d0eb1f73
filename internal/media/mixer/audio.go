package mixer

import "carillon/internal/media/opus"

// audio is decoded audio: mid, the mean of both channels, which is what mono listeners hear, and side, half of what
// the left channel has more than the right one. side is as long as mid if wide; else it is empty, and both channels
// are the same. So stereo costs nothing where there is none.
type audio struct {
	mid, side []float32
	wide      bool
}

func (a *audio) len() int { return len(a.mid) }

// setWide says what is to be appended from now on. What is there stays as it is, so it narrows only when empty.
func (a *audio) setWide(wide bool) {
	switch {
	case wide && !a.wide:
		a.side = lengthen(a.side[:0], len(a.mid))
		clear(a.side)
		a.wide = true
	case !wide && a.wide && len(a.mid) == 0:
		a.wide = false
	}
}

// silence appends n samples of it.
func (a *audio) silence(n int) {
	out := a.extend(n)
	out.clear()
}

// extend makes room for n more samples and returns it. What is in it is undefined.
func (a *audio) extend(n int) audio {
	old := a.len()
	a.mid = lengthen(a.mid, n)
	out := audio{mid: a.mid[old:], wide: a.wide}
	if a.wide {
		a.side = lengthen(a.side, n)
		out.side = a.side[old:]
	}
	return out
}

func lengthen(pcm []float32, n int) []float32 {
	old := len(pcm)
	if old+n > cap(pcm) {
		pcm = append(make([]float32, 0, old+n+3*opus.FrameSamples), pcm...)
	}
	return pcm[:old+n]
}

// drop removes the first n samples.
func (a *audio) drop(n int) {
	a.mid = a.mid[:copy(a.mid, a.mid[n:])]
	if a.wide {
		a.side = a.side[:copy(a.side, a.side[n:])]
	}
}

// cut removes all but the first n samples.
func (a *audio) cut(n int) {
	a.mid = a.mid[:n]
	if a.wide {
		a.side = a.side[:n]
	}
}

func (a *audio) clear() {
	clear(a.mid)
	clear(a.side)
}

// set takes what a decoder made: either mid itself, of one channel, or both channels.
func (a *audio) set(raw []float32) {
	if len(raw) == len(a.mid) {
		clear(a.side)
		return
	}
	for i := range a.mid {
		left, right := raw[2*i], raw[2*i+1]
		a.mid[i], a.side[i] = (left+right)/2, (left-right)/2
	}
}

// interleave makes both channels of mid and side, of the same length.
func interleave(out, mid, side []float32) {
	for i, v := range mid {
		out[2*i], out[2*i+1] = v+side[i], v-side[i]
	}
}

// fade goes from a to b within their length, and leaves the result in a.
func fade(a, b []float32) {
	for i := range a {
		w := float32(i) / float32(len(a))
		a[i] += (b[i] - a[i]) * w
	}
}

// repeat moves what is behind the first frame back by n, over the end, and repeats the end of that frame in between.
func repeat(pcm []float32, n int) {
	copy(pcm[opus.FrameSamples+n:], pcm[opus.FrameSamples:])
	copy(pcm[opus.FrameSamples:opus.FrameSamples+n], pcm[opus.FrameSamples-n:])
}
