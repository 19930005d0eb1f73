package bwe

import (
	"cmp"
	"slices"
)

// A target is that of a display size; measured bitrates stray around what an encoder is told.
const targetTolerance = 1.25

// ladder is what a video can be, from the least to the best.
type ladder struct {
	rungs   []int // indices in Layers, by rising bitrate
	at      int   // rung that is chosen, Paused = none
	current int   // rung that is sent now, or the best one that costs no more
}

func (l *ladder) layer(rung int) int {
	if rung == Paused {
		return Paused
	}
	return l.rungs[rung]
}

func (l *ladder) cost(layers []Layer, rung int) int64 {
	if rung == Paused {
		return 0
	}
	return layers[l.rungs[rung]].Bitrate
}

// build finds the rungs: the layers within the target, best last, without those that cost as much as a better
// one.
func (l *ladder) build(v *Video) {
	l.rungs, l.at, l.current = l.rungs[:0], Paused, Paused
	if v.UserPaused {
		return
	}
	limit := int64(targetTolerance * float64(v.Target))
	for i := range v.Layers {
		if b := v.Layers[i].Bitrate; b > 0 && (limit == 0 || b <= limit) {
			l.rungs = append(l.rungs, i)
		}
	}
	if len(l.rungs) == 0 {
		l.cheapest(v)
	}
	known := !slices.ContainsFunc(l.rungs, func(i int) bool { return v.Layers[i].worth() == 0 })
	slices.SortFunc(l.rungs, func(i, j int) int { return compareQuality(v, i, j, known) })
	kept := len(l.rungs)
	for i := len(l.rungs) - 1; i >= 0; i-- {
		if kept == len(l.rungs) || v.Layers[l.rungs[i]].Bitrate < v.Layers[l.rungs[kept]].Bitrate {
			kept--
			l.rungs[kept] = l.rungs[i]
		}
	}
	l.rungs = append(l.rungs[:0], l.rungs[kept:]...)
	l.findCurrent(v)
}

// cheapest makes a ladder of the one layer that strays least from a target which is below all layers.
func (l *ladder) cheapest(v *Video) {
	best := -1
	for i := range v.Layers {
		if b := v.Layers[i].Bitrate; b > 0 && (best < 0 || b < v.Layers[best].Bitrate) {
			best = i
		}
	}
	if best >= 0 {
		l.rungs = append(l.rungs, best)
	}
}

// findCurrent finds the highest rung that costs no more than what is sent now.
func (l *ladder) findCurrent(v *Video) {
	if v.Current < 0 || v.Current >= len(v.Layers) {
		return
	}
	for rung, i := range l.rungs {
		if i == v.Current || v.Layers[i].Bitrate <= v.Layers[v.Current].Bitrate {
			l.current = rung
		}
	}
}

// compareQuality orders two layers of a video by what they are worth to its receiver. While that is not known
// of all of them, the bitrate stands for it; between two of the same worth, the cheaper one is the better one.
func compareQuality(v *Video, i, j int, known bool) int {
	a, b := &v.Layers[i], &v.Layers[j]
	if !known {
		return cmp.Or(cmp.Compare(a.Bitrate, b.Bitrate), cmp.Compare(i, j))
	}
	pixels := cmp.Compare(a.Width*a.Height, b.Width*b.Height)
	frames := cmp.Compare(a.FrameRate, b.FrameRate)
	last := cmp.Or(cmp.Compare(b.Bitrate, a.Bitrate), cmp.Compare(j, i))
	switch v.Preference {
	case KeepFrameRate:
		return cmp.Or(frames, pixels, last)
	case KeepResolution:
		return cmp.Or(pixels, frames, last)
	}
	return cmp.Or(cmp.Compare(a.worth(), b.worth()), last)
}

// worth is what a layer is worth to a receiver with balanced preferences: half the frame rate costs as much as
// half the width and height. It is 0 while not all is known.
func (l *Layer) worth() float64 {
	return float64(l.Width*l.Height) * l.FrameRate * l.FrameRate
}
