package mixer

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// limits of what may be heard beside the tones of 0.14: 15 dB below them, which is a little more than the coding of two
// makes at its worst. 6.5 ms that are left out or heard twice make more (TestSplicesAreFound).
const (
	soundLimit  = 0.025
	speechLimit = 0.03
)

// sentence is what somebody says in a frame of a conversation: words of 0.8 s with pauses of 0.2 s.
func sentence(frame int) rune {
	if frame%50 < 40 {
		return says
	}
	return pauses
}

// In a call of two nothing is encoded, although both talk at the same time, from the first pause of each on.
func TestCallOfTwoEncodesNothing(t *testing.T) {
	for _, f := range []Format{{}, full} {
		m := &meeting{room: NewRoom(Config{})}
		a, b := m.join(t, 0, f), m.join(t, 1, f)
		checked := 0
		for i := range 600 {
			encodes := m.step(t, sentence(i), sentence(i+17))
			if i > cleanFor+50 && encodes > 0 {
				t.Fatalf("%d encodes in step %d", encodes, i)
			}
			for _, p := range []*person{a, b} {
				if m.check(t, p, soundLimit) {
					checked++
				}
			}
		}
		if checked < 400 {
			t.Errorf("only %d frames were checked", checked)
		}
	}
}

// In a room of three, of whom two talk at a time, only the third needs an encoder, whoever that is. When all talk, each
// needs one.
func TestRoomOfThreeEncodesForTheThird(t *testing.T) {
	m := &meeting{room: NewRoom(Config{})}
	for i := range 3 {
		m.join(t, i, Format{})
	}
	for i := range 1500 {
		third := rune(pauses)
		if i >= 500 && i < 900 {
			third = sentence(i + 8)
		}
		encodes := m.step(t, sentence(i), sentence(i+25), third)
		want := 0
		switch {
		case i > cleanFor+50 && i < 500, i > 900+hangover+60:
			want = 1
		case i > 510 && i < 900:
			want = 3
		}
		if want > 0 && encodes != want {
			t.Fatalf("%d encodes in step %d, want %d", encodes, i, want)
		}
		for _, p := range m.people {
			m.check(t, p, soundLimit)
		}
	}
}

// A talker that is muted while its packets are passed on is not heard any more; it is passed on again afterwards.
func TestMuteInACallOfTwo(t *testing.T) {
	m := &meeting{room: NewRoom(Config{})}
	a, b := m.join(t, 0, Format{}), m.join(t, 1, Format{})
	passed := 0
	for i := range 1500 {
		a.muted = i >= 400 && i/100%3 == 1
		m.step(t, sentence(i), sentence(i+17))
		m.check(t, a, soundLimit)
		m.check(t, b, soundLimit)
		if a.muted && b.sink.passing() {
			t.Fatalf("packets of somebody who is muted are passed on in step %d", i)
		}
		if b.sink.passing() {
			passed++
		}
	}
	if passed < 700 {
		t.Errorf("packets were passed on in %d steps", passed)
	}
}

// A listener whose line loses packets gets mixes in the speech coder, and packets passed on again when it is better.
func TestLossyListenerInASmallRoom(t *testing.T) {
	m := &meeting{room: NewRoom(Config{})}
	a := m.join(t, 0, Format{})
	m.join(t, 1, Format{})
	m.join(t, 2, Format{})
	passed, corrected := 0, 0
	for i := range 1500 {
		a.sink.SetLossy(i/200%2 == 1)
		third := rune(pauses)
		if i/300%2 == 1 {
			third = sentence(i + 8)
		}
		m.step(t, sentence(i), sentence(i+25), third)
		m.check(t, a, speechLimit)
		if a.sink.passing() {
			passed++
			if a.sink.Lossy() {
				t.Fatalf("step %d: packets are passed on that may have no forward error correction", i)
			}
		} else if a.sink.mix.coding.speech {
			corrected++
		}
	}
	if passed < 200 || corrected < 400 || m.begun < 4 {
		t.Errorf("packets were passed on in %d steps, %d times, and corrected in %d", passed, m.begun, corrected)
	}
}

// Somebody comes to a call of two, talks, and goes: the two have their packets passed on before and afterwards.
func TestThirdPersonComesAndGoes(t *testing.T) {
	m := &meeting{room: NewRoom(Config{})}
	a, b := m.join(t, 0, Format{}), m.join(t, 1, full)
	var guest *person
	for i := range 1800 {
		switch i % 600 {
		case 200:
			guest = m.join(t, 2, Format{})
		case 420:
			m.leave(guest) // in the middle of a word
			guest = nil
		}
		say := []rune{sentence(i), sentence(i + 17), sentence(i + 33)}
		m.step(t, say[:len(m.people)]...)
		for _, p := range m.people {
			m.check(t, p, soundLimit)
		}
		if at := i % 600; (at > cleanFor+50 && at < 200 || at > 500) && !(a.sink.passing() && b.sink.passing()) {
			t.Fatalf("packets are not passed on in step %d", i)
		}
	}
}

// In any conversation every listener has one packet in each step, and hears what the others say without a break: those who
// only claim to talk have mixing begin at any moment.
func TestAnyConversation(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { anyConversation(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func anyConversation(t *testing.T, rng *rand.Rand) {
	m := &meeting{room: NewRoom(Config{})}
	formats := []Format{{}, full, {}, NewFormat(true, 64000), NewFormat(false, 96000)}
	people := 2 + rng.IntN(3)
	var free []int
	for i := range formats {
		if i < people {
			m.join(t, i, formats[i])
		} else {
			free = append(free, i)
		}
	}
	checked := 0
	say, left := make([]rune, len(formats)), make([]int, len(formats))
	for range 1000 {
		for i := range m.people {
			if left[i]--; left[i] <= 0 {
				say[i] = []rune{says, pauses, says, pauses, claims}[rng.IntN(5)]
				left[i] = 5 + rng.IntN(60)
			}
		}
		if rng.IntN(100) == 0 {
			p := m.people[rng.IntN(len(m.people))]
			p.muted = !p.muted
		}
		switch rng.IntN(300) {
		case 0:
			if len(free) > 0 {
				m.join(t, free[0], formats[free[0]])
				free = free[1:]
			}
		case 1:
			if len(m.people) > 2 {
				m.leave(m.people[rng.IntN(len(m.people))])
			}
		}
		m.step(t, say[:len(m.people)]...)
		for _, p := range m.people {
			if m.check(t, p, soundLimit) {
				checked++
			}
		}
	}
	t.Logf("%d frames checked; streams went over to packets of others %d times", checked, m.begun)
	if checked < 300 || m.begun < 4 {
		t.Error("too little is tested")
	}
}

// A frame that is inserted to lengthen the delay, after a packet that came just in time, ends passing on only for the rest
// of that pause.
func TestInsertedFrameIsNotAMissingOne(t *testing.T) {
	r, source, _ := room1(t)
	sink := r.members.Load().sinks[0]
	s := newSender(t, words(tone(440)))
	var held []sentPacket
	var ended []int
	passed := false
	for i := range 600 {
		if held = append(held, s.next()); i != 190 {
			push(source, held...)
			held = held[:0]
		}
		step(t, r)
		if passed && !sink.passing() {
			ended = append(ended, i)
		}
		passed = sink.passing()
		if len(ended) > 0 && i > ended[0]+quietFor && !passed {
			t.Fatalf("packets are not passed on in step %d; that ended in %v", i, ended)
		}
	}
	if len(ended) != 1 || ended[0] < 191 {
		t.Errorf("passing on ended in steps %v: nothing was inserted, or more", ended)
	}
}
