package rooms

import (
	"cmp"
	"slices"

	"carillon/internal/media/bwe"
	"carillon/internal/media/transport"
)

// Adaptation says who fits the videos of a participant to its bandwidth.
type Adaptation uint8

// The ways. In each of them the participant is told the estimate.
const (
	// AdaptLayers: the server chooses among the encodings up to the one that the client asks for, and their
	// layers, until the client begins to switch encodings itself. Nothing is paused.
	AdaptLayers Adaptation = iota
	// AdaptNone: the client chooses.
	AdaptNone
	// AdaptAll: the server chooses encodings and layers, and pauses what does not fit.
	AdaptAll
)

// Wish is what a client asks for on one of its sections.
type Wish struct {
	MID               string
	StreamID, GroupID uint32 // 0 = does not say
	Priority          uint32 // higher = more important
	TargetKbps        uint32 // of the size that it is shown at; 0 = no limit
	Preference        bwe.Preference
}

// adaptation is who adapts at present.
func (p *Participant) adaptation() Adaptation {
	if p.picks {
		return AdaptNone
	}
	return p.member.Adaptation
}

// allocate chooses what each participant is sent, and has senders in small calls told how much that may be.
func (r *Room) allocate(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range *r.members.Load() {
		p.limitCameraLocked()
	}
	for _, p := range *r.members.Load() {
		p.allocateLocked(now)
	}
}

// allocateFallen chooses anew what those are sent whose bandwidth has just fallen.
func (r *Room) allocateFallen(now int64) {
	for _, p := range *r.members.Load() {
		if m := p.media.Load(); m != nil && m.down.Fell() {
			r.allocateFor(p, now)
		}
	}
}

func (r *Room) allocateFor(p *Participant, now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.allocateLocked(now)
}

func (p *Participant) allocateLocked(now int64) {
	m := p.media.Load()
	if m == nil || len(p.received) == 0 {
		return
	}
	paused, resumed := p.room.allotment.allocateLocked(p, m, now)
	if p.grace != nil {
		return // nobody listens
	}
	if len(paused) > 0 {
		p.member.Observer.Paused(paused, true)
	}
	if len(resumed) > 0 {
		p.member.Observer.Paused(resumed, false)
	}
}

// UpdateVideo takes in what the client asks for on sections that are negotiated already, and for which sections
// it has nothing to ask any more. Unknown sections and streams are ignored.
func (p *Participant) UpdateVideo(wishes []Wish, removed []string) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for _, mid := range removed {
		if v := p.received[mid]; v != nil {
			v.wish = Wish{}
		}
	}
	for _, w := range wishes {
		v := p.received[w.MID]
		if v == nil {
			continue
		}
		if w.StreamID != 0 {
			p.pickLocked()
		}
		v.wish = w
		if e := p.wishedLocked(w, v); e != nil && e != v.wanted {
			v.show(e)
		}
	}
	p.allocateLocked(transport.Now())
}

// pickLocked leaves the choice of encodings to the client from now on.
func (p *Participant) pickLocked() {
	if p.picks || p.member.Adaptation == AdaptAll {
		return
	}
	p.picks = true
	for _, v := range p.received {
		if v.wanted != nil {
			v.choose(choice{spatial: allLayers, temporal: allLayers})
		}
	}
}

// wishedLocked is the encoding that a wish names, nil if none: the stream itself, or the best of the group.
func (p *Participant) wishedLocked(w Wish, v *receivedVideo) *encoding {
	e := p.room.streams[w.StreamID]
	if e == nil && w.GroupID != 0 {
		if v.wanted != nil && v.wanted.group.id == w.GroupID {
			return nil
		}
		for _, o := range p.room.streams {
			if o.group.id == w.GroupID {
				e = slices.MaxFunc(o.group.encodings, func(a, b *encoding) int { return cmp.Compare(a.maxKbps, b.maxKbps) })
				break
			}
		}
	}
	if e == nil || !p.mayReceiveLocked(e.group) {
		return nil
	}
	return e
}
