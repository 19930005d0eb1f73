package mixer

import (
	"math/bits"

	"carillon/internal/media/opus"
)

const (
	// aloneFor is how many steps somebody must have been the only talker before packets are passed on: by then the
	// mix has had the same content as the talker's own stream, so that a decoder is in nearly the same state.
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

	// primeFrames is how much of what was passed on an encoder is fed with before it takes over.
	primeFrames   = 2
	pastSamples   = primeFrames * opus.FrameSamples
	primedSamples = pastSamples + opus.EncoderDelay
)

// passing is the state of passing on the packets of the only talker, in place of decoding, mixing and encoding what
// would be the same. It is a state of the whole room: either the packets of one talker go to everybody who hears
// anything, or every mix is encoded.
type passing struct {
	source *Source // whose packets are passed on in this step; nil = none
	lone   *Source // the only talker of this step; nil = nobody or several
	alone  int     // steps for which it has been
	quiet  int     // of these, quiet ones in a row

	past   [pastSamples]float32 // what lone said, up to and including the last step
	primed [primedSamples]float32
}

// only returns the talker of this step if there is exactly one.
func (t *talkers) only() *Source {
	if bits.OnesCount64(uint64(t.now)) != 1 {
		return nil
	}
	return t.source[bits.TrailingZeros64(uint64(t.now))]
}

// choosePassing decides whether this step passes packets on.
//
// A listener's decoder goes from one encoder to another when that changes. It begins only in a pause of the talker.
// It has to end at any time, when somebody else begins to talk or a packet is missing: the encoder that takes over
// is first fed with what was passed on (prime).
//
// Stereo is passed on only while all who hear it have asked for as much; as soon as there is one who has not, all get
// mixes, and that one's is mono. Mono is for everybody.
func (r *Room) choosePassing(sinks []*Sink) {
	p, lone := &r.pass, r.talkers.only()
	if lone != p.lone {
		p.alone, p.quiet = 0, 0
	}
	passable := lone != nil && lone.passable() && (!opus.Stereo(lone.packet) || r.takeStereo(sinks))
	switch {
	case p.source != nil && (lone != p.source || !passable || lone.pcm.len() != opus.FrameSamples):
		r.stopPassing()
	case p.source == nil && lone != nil && p.alone >= aloneFor && p.quiet >= quietFor && lone.clean >= cleanFor && lone.level >= quietLevel:
		if !passable || !lone.align() {
			break
		}
		p.source = lone
	}
	p.lone = lone
	if lone == nil {
		return
	}
	p.alone++
	p.quiet++
	if lone.level < quietLevel {
		p.quiet = 0
	}
	n := copy(p.past[:], p.past[opus.FrameSamples:])
	copy(p.past[n:], lone.frame(false))
	if r.stereo != nil {
		r.stereo.remember(lone.frame(true))
	}
}

// stopPassing makes the mixes ready to be encoded in this step.
//
// An encoder's output is behind its input by opus.EncoderDelay, and what was passed on is not. So the talker's
// audio moves ahead by that much, which takes a little of the next packet. Otherwise listeners would hear the last
// few milliseconds twice. The next pause gives it back (align).
func (r *Room) stopPassing() {
	p, w := &r.pass, r.stereo
	n := copy(p.primed[:], p.past[:])
	clear(p.primed[n:])
	if w != nil {
		copy(w.primed[:], w.past[:])
		clear(w.primed[n:])
	}
	if r.talkers.talks(p.source) {
		p.source.ahead(r, opus.EncoderDelay)
		copy(p.primed[n:], p.source.pcm.mid)
		if w != nil {
			copy(w.primed[n:], p.source.pcm.side)
		}
		p.source.pcm.drop(opus.EncoderDelay)
	}
	if w != nil {
		interleave(w.both[:], p.primed[:], w.primed[:])
	}
	for _, m := range r.mixes {
		if m.without != 0 {
			continue
		}
		past := p.primed[opus.EncoderDelay:]
		if m.coding.stereo {
			past = w.both[2*opus.EncoderDelay:]
		}
		if err := m.prime(past); err != nil {
			r.complain("prime an encoder", err)
		}
	}
	p.source = nil
}

// prime makes the encoder continue what the listeners have heard last.
func (m *mix) prime(past []float32) error {
	m.limiter = limiter{}
	m.silent = 0
	if m.enc == nil {
		return nil
	}
	return m.enc.Follow(past)
}

// pass makes the packet of a talker that of the mix.
func (m *mix) pass(packet []byte) {
	m.talk, m.calm = true, true
	m.silent = 0
	b := m.next()
	b.size = copy(b.buf[:], packet)
}

// passable reports whether listeners can be given the packet that the source took in this step: it is all that was
// taken, it was decoded without damage, and it is what an encoder of ours would make: 20 ms.
func (s *Source) passable() bool {
	return s.whole && len(s.packet) > 0 && len(s.packet) <= maxPassed
}

// align reports whether the frame of this step is all that is decoded. If it is not, so much of it is repeated that
// in the step after the next one it is.
func (s *Source) align() bool {
	rest := s.pcm.len() - opus.FrameSamples
	s.spare = 0
	if rest == 0 {
		return true
	}
	n := opus.FrameSamples - rest
	s.extend(n)
	repeat(s.pcm.mid, n)
	if s.pcm.wide {
		repeat(s.pcm.side, n)
	}
	return false
}

// ahead sees to it that n samples are there beside the current frame. If the next packet has not come yet, they are
// made up, and it is played later.
func (s *Source) ahead(r *Room, n int) {
	for s.pcm.len() < opus.FrameSamples+n {
		if s.queue.waiting() {
			s.spare = opus.FrameSamples
			s.queue.pop(&r.work.packet, demand{again: true, narrow: s.narrow(), spare: s.spare})
			s.take(r, &r.work.packet)
		} else {
			s.fillIn(r, nil, opus.FrameSamples)
		}
	}
}

// waiting reports whether the next packet is there, or a pause.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.filling && (q.slots[q.next%slots].holds(q.next) || q.rests())
}
