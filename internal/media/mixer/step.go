package mixer

import (
	"math/bits"
	"runtime/debug"
	"slices"

	"carillon/internal/media/opus"
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
	r.work = borrowWorkspace()
	defer func() { returnWorkspace(r.work); r.work = nil }()
	r.listen(m.sources)
	r.assign(m.sinks)
	r.sum()
	r.encode()
	r.talkers.remember()
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
	defer r.contain(s)
	return !s.broken && s.advance(r)
}

// contain is deferred around what a source's packets may cause to panic.
func (r *Room) contain(s *Source) {
	if v := recover(); v != nil {
		s.broken = true
		r.log.Error("panic in the decoding of an audio stream", "panic", v, "stack", string(debug.Stack()))
	}
}

// assign finds the mix that each sink hears in this step.
func (r *Room) assign(sinks []*Sink) {
	for _, s := range sinks {
		if k := s.choose(r); s.mix == nil || s.mix.key != k {
			s.mix = r.mixOf(k, s.mix)
		}
		s.mix.heard = r.step
	}
}

// choose returns which mix the sink is to hear in this step.
func (s *Sink) choose(r *Room) key {
	set := s.excludes(&r.talkers)
	content := r.talkers.now &^ set
	if x := s.passed(r, content); x != nil {
		return key{passed: x}
	}
	return key{coding: s.coding(), without: set, lead: s.led(r, content)}
}

// mixOf returns the mix with a key, to follow previous, which may be nil. If there is none yet, it is made to continue
// that.
func (r *Room) mixOf(k key, previous *mix) *mix {
	for _, m := range r.mixes {
		if m.key == k {
			if err := m.join(previous); err != nil {
				r.complain("refresh an encoder", err)
			}
			return m
		}
	}
	m := r.newMix(k)
	if err := m.start(k, previous); err != nil {
		r.complain("start an encoder", err)
	}
	r.mixes = append(r.mixes, m)
	return m
}

// newMix returns an unused mix.
func (r *Room) newMix(k key) *mix {
	for i, m := range r.idleMixes {
		if m.coding == k.coding && m.passes == (k.passed != nil) {
			r.idleMixes = slices.Delete(r.idleMixes, i, i+1)
			return m
		}
	}
	if k.passed != nil {
		return &mix{passes: true}
	}
	if k.coding.stereo && r.stereo == nil {
		r.stereo = new(stereo)
	}
	m, err := newMix(k.coding)
	if err != nil {
		r.complain("new encoder", err)
	}
	return m
}

// sum adds up all who talk, and sees to it that there is as much of them as is needed.
func (r *Room) sum() {
	lead, mixed := talkerSet(0), talkerSet(0)
	for _, m := range r.mixes {
		if m.heard == r.step && m.passed == nil {
			mixed |= r.talkers.now &^ m.without
			lead |= m.lead
		}
	}
	for set := lead; set != 0; set &= set - 1 {
		r.ahead(r.talkers.source[bits.TrailingZeros64(uint64(set))], opus.EncoderDelay)
	}
	if mixed == 0 {
		return
	}
	r.talkers.sum(false, &r.work.sum)
	if r.stereo != nil {
		r.talkers.sum(true, &r.stereo.sum)
	}
}

// encode makes the packets of the mixes that somebody hears and sets the others aside. No sink refers to a mix that
// it did not hear in this step, so those set aside are free for reuse.
func (r *Room) encode() {
	kept := r.mixes[:0]
	for _, m := range r.mixes {
		if m.heard != r.step {
			m.passed, m.lone = nil, nil
			r.idleMixes = append(r.idleMixes, m)
			continue
		}
		kept = append(kept, m)
		if x := m.passed; x != nil {
			m.pass(x.packet, r.talkers.talks(x))
			continue
		}
		if err := r.encodeMix(m); err != nil {
			r.complain("encode", err)
		}
	}
	clear(r.mixes[len(kept):])
	r.mixes = kept
}

func (r *Room) encodeMix(m *mix) error {
	m.count(r.talkers.only(r.talkers.now &^ m.without))
	if m.follows != nil {
		if err := r.prime(m); err != nil {
			return err
		}
	}
	m.talk = r.talkers.mix(m, false, &r.work.sum, &r.work.mixed)
	return m.encode(r.input(m, &r.work.mixed))
}
