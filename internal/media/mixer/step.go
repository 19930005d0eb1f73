package mixer

import (
	"runtime/debug"
	"slices"
)

// Frame is what a listener hears in one step. The packets are valid until deliver returns; they may be shared with
// other sinks and must not be changed.
type Frame struct {
	Packet  []byte          // 20 ms of Opus
	Earlier [earlier][]byte // the packets of the steps before, the last one first; empty if there was none
	Talk    bool            // somebody can be heard
}

// Step mixes the next 20 ms and calls deliver exactly once for every sink, in no particular order.
// Step must be called by one goroutine at a time.
func (r *Room) Step(deliver func(s *Sink, f *Frame)) {
	m := r.members.Load()
	r.step++
	r.work = workspaces.Get().(*workspace)
	defer func() { workspaces.Put(r.work); r.work = nil }()
	r.listen(m.sources)
	r.choosePassing(m.sinks)
	r.assign(m.sinks)
	r.encode()
	r.talkers.release()
	for _, s := range m.sinks {
		s.mix.frame(&r.work.frame)
		deliver(s, &r.work.frame)
	}
}

// listen takes the next frame of every source and finds out who talks.
func (r *Room) listen(sources []*Source) {
	r.talkers.begin(r.step)
	for _, s := range sources {
		if r.advance(s) {
			r.talkers.admit(s)
		}
	}
}

// advance moves a source on by one frame. One whose packets make that panic says nothing any more.
func (r *Room) advance(s *Source) (talks bool) {
	defer func() {
		if v := recover(); v != nil {
			s.broken, talks = true, false
			r.log.Error("panic in the decoding of an audio stream", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	return !s.broken && s.advance(r)
}

// assign finds the mix that each sink hears in this step.
func (r *Room) assign(sinks []*Sink) {
	for _, s := range sinks {
		set, c := s.excludes(&r.talkers), s.coding()
		if s.mix == nil || s.mix.without != set || s.mix.coding != c {
			s.mix = r.mixWithout(set, c, s.mix)
		}
		s.mix.heard = r.step
	}
}

// mixWithout returns the mix in a coding without the talkers in set, to follow previous, which may be nil. If there is
// none yet, it is made to continue that.
func (r *Room) mixWithout(set talkerSet, c coding, previous *mix) *mix {
	for _, m := range r.mixes {
		if m.without == set && m.coding == c {
			if err := m.join(previous); err != nil {
				r.complain("refresh an encoder", err)
			}
			return m
		}
	}
	m := r.newMix(c)
	if err := m.start(set, previous); err != nil {
		r.complain("start an encoder", err)
	}
	r.mixes = append(r.mixes, m)
	return m
}

// newMix returns an unused mix.
func (r *Room) newMix(c coding) *mix {
	for i, m := range r.idleMixes {
		if m.coding == c {
			r.idleMixes = slices.Delete(r.idleMixes, i, i+1)
			return m
		}
	}
	if c.stereo && r.stereo == nil {
		r.stereo = new(stereo)
	}
	m, err := newMix(c)
	if err != nil {
		r.complain("new encoder", err)
	}
	return m
}

// encode encodes the mixes that somebody hears and sets the others aside. No sink refers to a mix that
// it did not hear in this step, so those set aside are free for reuse.
func (r *Room) encode() {
	r.talkers.sum(false, &r.work.sum)
	if r.stereo != nil {
		r.talkers.sum(true, &r.stereo.sum)
	}
	kept := r.mixes[:0]
	for _, m := range r.mixes {
		if m.heard != r.step {
			r.idleMixes = append(r.idleMixes, m)
			continue
		}
		kept = append(kept, m)
		if r.pass.source != nil && m.without == 0 {
			m.pass(r.pass.source.packet)
			continue
		}
		m.talk = r.talkers.mixWithout(m.without, false, &r.work.sum, &r.work.mixed)
		if err := m.encode(r.input(m, &r.work.mixed)); err != nil {
			r.complain("encode", err)
		}
	}
	clear(r.mixes[len(kept):])
	r.mixes = kept
}
