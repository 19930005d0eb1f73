package mixer

import (
	"math/bits"

	"carillon/internal/media/opus"
)

// maxTalkers bounds who is heard at once, and with it the cost of a step: each talker costs a decode and
// an encode. More voices than this cannot be told apart by anybody; others are not even decoded.
const maxTalkers = 6

// A talker is compared by the loudest that it was, minus fading for each step since: pauses between words do not
// count. A challenger has to be louder by clearly.
const (
	fading  = 0.2 // dB per step, 10 dB per second
	clearly = 6   // dB
)

// talkerSet is a set of talker numbers.
type talkerSet uint64

// talkers are the sources that are heard now. Each holds a number for as long as it talks. Numbers are
// given out in rotation over many more than maxTalkers, so that a number never changes hands from one
// step to the next: a mix that is known by its set of numbers would otherwise pass to a stranger.
type talkers struct {
	step   uint64
	source [64]*Source
	held   talkerSet // numbers in use
	now    talkerSet // numbers of those who talk in this step
	next   uint8     // where the search for a free number begins

	loudestRefused *Source // of this step, because too many talk
	promised       *Source // gets the number that was freed for it in the last step
}

func (t *talkers) begin(step uint64) {
	t.step = step
	t.now = 0
	t.loudestRefused = nil
}

// talks reports whether the source is heard in this step.
func (t *talkers) talks(s *Source) bool { return s.talks == t.step }

// admit makes the source a talker of this step, if there is room. Otherwise it is refused: it is not decoded any more
// until it is promised a number.
func (t *talkers) admit(s *Source) {
	if s.number == noNumber {
		if s.refused || t.full(s) {
			s.refused = true
			if t.loudestRefused == nil || s.level < t.loudestRefused.level {
				t.loudestRefused = s
			}
			return
		}
		s.held = SilentLevel
		for t.held&(1<<t.next) != 0 {
			t.next = (t.next + 1) % uint8(len(t.source))
		}
		s.number = t.next
		t.next = (t.next + 1) % uint8(len(t.source))
		t.source[s.number] = s
		t.held |= 1 << s.number
	}
	s.held = min(s.held+fading, float32(s.level), SilentLevel)
	t.now |= 1 << s.number
	s.talks = t.step
}

// full reports whether there is no number left for s.
func (t *talkers) full(s *Source) bool {
	limit := maxTalkers
	if t.promised != nil && t.promised != s {
		limit--
	}
	return bits.OnesCount64(uint64(t.held)) >= limit
}

// release takes their numbers from those who did not talk in this step. If somebody was refused, that one gets a
// number in the next step: one that is free, or that of the quietest talker, who gives way to one who is clearly louder.
func (t *talkers) release() {
	for set := t.held &^ t.now; set != 0; set &= set - 1 {
		t.drop(t.source[bits.TrailingZeros64(uint64(set))])
	}
	t.promised = nil
	if t.loudestRefused == nil {
		return
	}
	if bits.OnesCount64(uint64(t.held)) < maxTalkers {
		t.promise(t.loudestRefused)
		return
	}
	var quietest *Source
	for set := t.held; set != 0; set &= set - 1 {
		s := t.source[bits.TrailingZeros64(uint64(set))]
		if quietest == nil || s.held > quietest.held {
			quietest = s
		}
	}
	if quietest != nil && float32(t.loudestRefused.level)+clearly <= quietest.held {
		t.drop(quietest)
		quietest.refused = true
		t.promise(t.loudestRefused)
	}
}

func (t *talkers) promise(s *Source) {
	s.refused = false
	t.promised = s
}

func (t *talkers) drop(s *Source) {
	t.source[s.number] = nil
	t.held &^= 1 << s.number
	s.number = noNumber
}

// remember has everybody who talks note what they have said in this step.
func (t *talkers) remember() {
	for set := t.now; set != 0; set &= set - 1 {
		t.source[bits.TrailingZeros64(uint64(set))].remember(t.step)
	}
}

// sum adds up everybody who talks: the mid or the side of their audio.
func (t *talkers) sum(side bool, out *[opus.FrameSamples]float32) {
	clear(out[:])
	for set := t.now; set != 0; set &= set - 1 {
		for i, v := range t.source[bits.TrailingZeros64(uint64(set))].frame(side) {
			out[i] += v
		}
	}
}

// mix takes the talkers that are left out of a mix out of the sum of mid or side. It reports false, and leaves out all
// zero, if nobody else talks.
func (t *talkers) mix(m *mix, side bool, sum, out *[opus.FrameSamples]float32) bool {
	if t.now&^m.without == 0 {
		clear(out[:])
		return false
	}
	*out = *sum
	for set := t.now & m.without; set != 0; set &= set - 1 {
		for i, v := range t.source[bits.TrailingZeros64(uint64(set))].frame(side) {
			out[i] -= v
		}
	}
	for set := t.now & m.lead; set != 0; set &= set - 1 {
		s := t.source[bits.TrailingZeros64(uint64(set))]
		frame := s.frame(side)
		for i, v := range s.frameFrom(opus.EncoderDelay, side) {
			out[i] += v - frame[i]
		}
	}
	return true
}
