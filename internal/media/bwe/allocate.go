package bwe

import (
	"cmp"
	"slices"
)

// Preference says what a receiver gives up first (the quality adaptation preference of the Chime SDK).
type Preference uint8

// The preferences, with their numbers on the wire; anything else is Balanced.
const (
	Balanced       Preference = 1
	KeepFrameRate  Preference = 2
	KeepResolution Preference = 3
)

// Layer is one way to send a video: an encoding and how much of it. Bitrate is that of the layer with all that
// it is built on.
type Layer struct {
	Encoding          int   // the caller's number of the stream
	Spatial, Temporal int   // highest layers that are sent
	Bitrate           int64 // bit/s, measured; 0 = nothing comes, which cannot be chosen
	Width, Height     int   // 0 = not known
	FrameRate         float64
}

// Paused is the index of no layer.
const Paused = -1

// Video is one video that a receiver wants.
type Video struct {
	Group      uint32 // breaks ties, lower first
	Priority   uint32 // higher = more important
	Content    bool   // a shared screen, which goes before cameras of the same priority
	Target     int64  // bit/s of the size it is shown at; 0 = no limit
	Preference Preference
	UserPaused bool // it takes nothing
	Layers     []Layer
	Current    int // index in Layers of what is sent now, or Paused
}

// Plan is what to send.
type Plan struct {
	Choices []int // for each video the index of its layer, or Paused
	Used    int64 // bit/s
	// Least is what the lowest layers of all videos need, Next the budget that the first step up needs that did
	// not fit (0 = every video has all it wants), All what everything needs. See Controller.SetDemand.
	Least, Next, All int64
}

const (
	// upMargin of the sure budget may be filled by steps up, so that a layer that varies does not fall again. All of
	// it may be filled by lowest layers.
	upMargin = 0.9
	// stayMargin of the budget may be filled by what is sent already, as a layer is measured to take now more and
	// now less.
	stayMargin = 1.1
	// keepMargin is the same for the lowest layer: an estimate that has just fallen is less than what the line
	// holds, and a picture that comes late is better than none.
	keepMargin = 1.3
)

// Allocator keeps the scratch memory of Allocate between calls. The zero value is ready.
type Allocator struct {
	order   []int // of the videos, the most important first
	ladders []ladder
	choices []int
}

// Allocate spends a budget on videos. now is what may be spent on what is sent already and on steps down; sure,
// usually less, on steps up (see Controller.Budget). First every video gets its lowest layer, the most important first, and only the
// least important are paused when that does not fit. Then videos rise in the order of their priority: one of
// lower priority rises when all of higher priority have what they want or cannot have more. Those of equal
// priority rise in turn. The result depends on the arguments alone; Plan.Choices is valid until the next call.
func (a *Allocator) Allocate(now, sure int64, videos []Video) Plan {
	a.prepare(videos)
	s := spending{videos: videos, now: now, sure: min(now, sure)}
	for _, i := range a.order {
		s.raise(i, &a.ladders[i])
	}
	for start := 0; start < len(a.order); {
		end := start + 1
		for end < len(a.order) && comparePriority(&videos[a.order[start]], &videos[a.order[end]]) == 0 {
			end++
		}
		for rose := true; rose; {
			rose = false
			for _, i := range a.order[start:end] {
				rose = a.ladders[i].at != Paused && s.raise(i, &a.ladders[i]) || rose
			}
		}
		start = end
	}
	plan := Plan{Choices: a.choices, Used: s.used, Next: s.next}
	for i := range videos {
		l := &a.ladders[i]
		a.choices[i] = l.layer(l.at)
		if n := len(l.rungs); n > 0 {
			plan.Least += l.cost(videos[i].Layers, 0)
			plan.All += l.cost(videos[i].Layers, n-1)
		}
	}
	plan.All = max(plan.Least, budgetFor(plan.All, 1))
	return plan
}

// spending is a budget that is being spent.
type spending struct {
	videos     []Video
	now, sure  int64
	used, next int64
}

// raise moves a video one rung up, if it fits.
func (s *spending) raise(i int, l *ladder) bool {
	if l.at+1 >= len(l.rungs) {
		return false
	}
	total := s.used + l.cost(s.videos[i].Layers, l.at+1) - l.cost(s.videos[i].Layers, l.at)
	if total > s.limit(l.at+1, l.current) {
		if needed := budgetFor(total, l.at+1); s.next == 0 || needed < s.next {
			s.next = needed
		}
		return false
	}
	s.used = total
	l.at++
	return true
}

// limit is what everything may take after a step to a rung.
func (s *spending) limit(rung, current int) int64 {
	switch {
	case rung > current && rung == 0:
		return s.sure
	case rung > current:
		return int64(upMargin * float64(s.sure))
	case rung == 0:
		return int64(keepMargin * float64(s.now))
	default:
		return int64(stayMargin * float64(s.now))
	}
}

// budgetFor is the budget that lets videos rise to a total, the last step being one to a rung.
func budgetFor(total int64, rung int) int64 {
	if rung == 0 {
		return total
	}
	return int64(float64(total)/upMargin) + 1
}

func comparePriority(a, b *Video) int {
	if c := cmp.Compare(b.Priority, a.Priority); c != 0 {
		return c
	}
	switch {
	case a.Content == b.Content:
		return 0
	case a.Content:
		return -1
	default:
		return 1
	}
}

// prepare orders the videos and builds their ladders.
func (a *Allocator) prepare(videos []Video) {
	a.order, a.choices = a.order[:0], a.choices[:0]
	for len(a.ladders) < len(videos) {
		a.ladders = append(a.ladders, ladder{})
	}
	for i := range videos {
		a.order = append(a.order, i)
		a.choices = append(a.choices, Paused)
		a.ladders[i].build(&videos[i])
	}
	slices.SortFunc(a.order, func(i, j int) int {
		if c := comparePriority(&videos[i], &videos[j]); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(videos[i].Group, videos[j].Group), cmp.Compare(i, j))
	})
}
