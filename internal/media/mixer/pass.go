package mixer

import (
	"math/bits"

	"carillon/internal/media/opus"
)

const (
	// aloneFor is for how many steps a mix must have had one talker only before that one's packets take its place: by then
	// it has had the same content as the talker's own stream, so that a decoder is in nearly the same state.
	aloneFor = 10
	// quietFor is how many frames in a row must be quiet then. What the talker says reaches listeners without the
	// delay of our encoder, so they miss that much when passing begins.
	quietFor = 2

	// cleanFor is for how many steps nothing of the talker must have been missing. A missing packet can only be made up
	// in the mix, and the change to it takes a packet from the jitter queue early, just when that needs all it has.
	cleanFor = 100

	// maxPassed bounds the packets, in bytes: 160 kbit/s, more than clients use. All listeners get them, however bad
	// their lines are.
	maxPassed = 400
)

// passed returns the source whose packets the listener is given in this step, in place of a mix of the talkers in
// content that would be the same; nil if it gets a mix.
//
// The listener's decoder goes from one encoder to another when that changes. It begins only in a pause of the talker,
// and goes on until somebody else begins to talk, through all further pauses. It has to end at any time, when that
// happens or a packet is missing: the encoder that takes over is first fed with what was passed on (prime).
//
// Stereo is passed on only to those who have asked for as much. Mono is for everybody but those whose lines lose packets:
// talkers know nothing of these lines, so their packets may have no forward error correction.
func (s *Sink) passed(r *Room, content talkerSet) *Source {
	m := s.mix
	if m == nil || s.needsCorrection() {
		return nil
	}
	x := m.passed
	if x == nil {
		x = m.lone
		if x == nil || m.alone < aloneFor || content != r.talkers.just(x) || !x.mayBegin() {
			return nil
		}
	}
	switch {
	case content&^r.talkers.just(x) != 0, content == 0 && s.leavesOut(x):
		return nil
	case !x.passable(r.step), opus.Stereo(x.packet) && *s.format.Load() != full:
		return nil
	}
	return x
}

// needsCorrection reports whether the listener is to have what only a mix is sure to have: forward error correction.
func (s *Sink) needsCorrection() bool { return s.lossy.Load() && s.format.Load().coding(true).speech }

// only returns the talker in the set if there is exactly one.
func (t *talkers) only(set talkerSet) *Source {
	if bits.OnesCount64(uint64(set)) != 1 {
		return nil
	}
	return t.source[bits.TrailingZeros64(uint64(set))]
}

// just returns the set of one talker; it is empty if the source does not talk.
func (t *talkers) just(s *Source) talkerSet {
	if !t.talks(s) {
		return 0
	}
	return 1 << s.number
}

// mayBegin reports whether this is a moment in which passing the source's packets on may begin. The first packet must have
// something in it: a decoder that comes from another encoder and is given nothing makes up noise.
func (s *Source) mayBegin() bool {
	return s.quiet >= quietFor && s.clean >= cleanFor && len(s.packet) > dtxBytes
}

// passable reports whether listeners can be given the packet that the source took in this step: it is all that was
// taken, and what an encoder of ours would make: a single frame of 20 ms. Such a one is valid whatever is in it.
func (s *Source) passable(step uint64) bool {
	return s.whole == step && len(s.packet) > 0 && len(s.packet) <= maxPassed && s.packet[0]&3 == 0
}

// pass makes the packet of a source that of the mix.
func (m *mix) pass(packet []byte, talk bool) {
	m.talk = talk
	b := m.next()
	b.size = copy(b.buf[:], packet)
}

// led returns the talkers in content whom a listener hears ahead of others.
//
// An encoder's output is behind its input by opus.EncoderDelay, and what was passed on is not. So the mix that takes
// over has the talker's audio ahead by that much. Otherwise listeners would hear the last few milliseconds twice. The
// talker's next pause gives it back.
func (s *Sink) led(r *Room, content talkerSet) talkerSet {
	m := s.mix
	if m == nil {
		return 0
	}
	lead := m.lead
	if m.passed != nil {
		lead = r.talkers.just(m.passed)
	}
	lead &= content
	for set := lead; set != 0; set &= set - 1 {
		if n := bits.TrailingZeros64(uint64(set)); r.talkers.source[n].quiet >= quietFor {
			lead &^= 1 << n
		}
	}
	return lead
}

// prime makes the encoder of a mix continue what its listeners have heard last: packets of m.follows.
func (r *Room) prime(m *mix) error {
	x := m.follows
	m.follows = nil
	m.limiter = limiter{}
	m.silent = 0
	if m.enc == nil {
		return nil
	}
	past := &r.work.past
	past.clear()
	if x.remembered+1 == r.step { // or it has been silent
		past.keep(x.past.mid, x.past.side)
	}
	switch in := r.talkers.just(x) &^ m.without; {
	case in&m.lead != 0:
		n := opus.EncoderDelay
		out := past.room(n, x.pcm.wide)
		copy(out.mid, x.pcm.mid[:n])
		copy(out.side, x.pcm.side)
	case in == 0: // what its listeners hear in this step is the silence after it
		past.room(opus.EncoderDelay, false)
	}
	if !m.coding.stereo {
		return m.enc.Follow(past.mid)
	}
	return m.enc.Follow(r.stereo.interleaved(past))
}
