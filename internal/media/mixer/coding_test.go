package mixer

import (
	"fmt"
	"slices"
	"testing"

	"carillon/internal/media/opus"
)

// spoken reports whether a packet is coded by the speech coder (RFC 6716 section 3.1).
func spoken(packet []byte) bool { return packet[0]>>3 < 16 }

// hall is a room with three who may talk, a listener whose line is good, and one more.
type hall struct {
	room    *Room
	sources []*Source
	senders []*sender
	sinks   []*Sink // of the three, then of the two
	coded   []bool  // how the last packet of each was coded: by the speech coder
	passed  []bool  // it was somebody's own
}

func newHall(t *testing.T) *hall {
	h := &hall{room: NewRoom(Config{})}
	for i := range 3 {
		source := h.room.AddSource(SourceConfig{})
		h.sources = append(h.sources, source)
		h.senders = append(h.senders, newSender(t, tone(threeTones[i])))
		h.sinks = append(h.sinks, h.room.AddSink(SinkConfig{Exclude: []*Source{source}}))
	}
	h.sinks = append(h.sinks, h.room.AddSink(SinkConfig{}), h.room.AddSink(SinkConfig{}))
	h.coded, h.passed = make([]bool, len(h.sinks)), make([]bool, len(h.sinks))
	return h
}

// run goes on for some steps, in which some of the three talk.
func (h *hall) run(steps int, talking ...int) {
	for range steps {
		for i, s := range h.senders {
			s.sound = silence
			if slices.Contains(talking, i) {
				s.sound = tone(threeTones[i])
			}
			push(h.sources[i], s.next())
		}
		h.room.Step(func(s *Sink, f *Frame) {
			i := slices.Index(h.sinks, s)
			h.coded[i], h.passed[i] = spoken(f.Packet), s.mix.passed != nil
		})
	}
}

// TestOnlyLossCostsTheSpeechCoder lets lines become bad and good again: what is heard over a bad line is coded by the
// speech coder, and nothing else is. Those whose lines are alike share encoders.
func TestOnlyLossCostsTheSpeechCoder(t *testing.T) {
	h := newHall(t)
	for _, c := range []struct {
		when     string
		talking  []int
		bad      []int // sinks whose lines are
		encoders int
	}{
		{"all lines are good", []int{0, 1, 2}, nil, 4},
		{"a listener's line is bad", []int{0, 1, 2}, []int{4}, 5},
		{"all listeners' lines are", []int{0, 1, 2}, []int{3, 4}, 4},
		{"a talker's is", []int{0, 1, 2}, []int{1}, 4},
		{"one listener's and one talker's are", []int{0, 1, 2}, []int{1, 4}, 5},
		{"the talker has stopped", []int{0, 2}, []int{1, 4}, 4},
		{"all have", nil, []int{1, 4}, 2},
		{"all lines are good again", []int{0, 1, 2}, nil, 4},
	} {
		for i, s := range h.sinks {
			s.SetLossy(slices.Contains(c.bad, i))
		}
		h.run(patience+2*hangover, c.talking...)
		for i := range h.sinks {
			if got := h.coded[i]; !h.passed[i] && got != slices.Contains(c.bad, i) {
				t.Errorf("%s: coded by the speech coder for sink %d: %v", c.when, i, got)
			}
		}
		if got := len(h.room.mixes) - passing(h.room); got != c.encoders {
			t.Errorf("%s: %d encoders at work, want %d", c.when, got, c.encoders)
		}
	}
}

// turns is a talker, whom another one says everything with so that packets are not passed on, and a listener whose
// line becomes bad and good again; with others there are streams of both codings that it comes to.
type turns struct {
	room    *Room
	sources [2]*Source
	senders [2]*sender
	sink    *Sink
	heard   *listener
}

func newTurns(t *testing.T, s sound, others bool) *turns {
	r, source, l := room1(t)
	c := &turns{room: r, sources: [2]*Source{source, r.AddSource(SourceConfig{})}, sink: r.members.Load().sinks[0], heard: l}
	c.senders[0], c.senders[1] = newSender(t, s), newSender(t, s)
	if others {
		r.AddSink(SinkConfig{})
		r.AddSink(SinkConfig{}).SetLossy(true)
	}
	return c
}

// step reports whether what is heard is coded by the speech coder.
func (c *turns) step(t *testing.T) (speech bool) {
	for i, s := range c.senders {
		push(c.sources[i], s.next())
	}
	step(t, c.room)
	return spoken(c.sink.mix.current().bytes())
}

// TestChangeOfCodingIsInaudible has the line become bad and good again while somebody talks: the coding changes in a
// pause, so nothing stands out where it does.
func TestChangeOfCodingIsInaudible(t *testing.T) {
	for _, others := range []bool{false, true} {
		for _, hz := range []float64{223, 437, 2750} {
			t.Run(fmt.Sprintf("%v Hz, others %v", hz, others), func(t *testing.T) {
				c := newTurns(t, words(func(at float64) float64 { return tone(hz)(at) / 2 }), others)
				before, changes, worst := false, 0, 0.0
				after := 1000 // steps since the last change
				for i := range 20 * 50 {
					c.sink.SetLossy(i/70%2 == 1)
					speech := c.step(t)
					after++
					if speech != before {
						before, after = speech, 0
						changes++
					}
					if k := c.heard.frames - 2; after < 25 && i > 10 && steady(c.heard.pcm, k) {
						worst = max(worst, residue(c.heard.pcm, k, hz))
					}
				}
				t.Logf("%d changes, residue up to %.4f", changes, worst)
				if changes < 13 {
					t.Errorf("%d changes", changes)
				}
				if worst > 0.014 { // 20 dB below the tone
					t.Errorf("residue %.4f of a tone of 0.14", worst)
				}
			})
		}
	}
}

// A tone without a pause is coded in the other way after a while all the same, and it never stops.
func TestChangeOfCodingDoesNotWaitForever(t *testing.T) {
	for _, others := range []bool{false, true} {
		c := newTurns(t, func(at float64) float64 { return tone(437)(at) / 2 }, others)
		for i := range 100 + 6*150 {
			lossy := i >= 100 && i/150%2 == 1
			c.sink.SetLossy(lossy)
			if speech := c.step(t); i%150 > patience+2 && speech != lossy {
				t.Fatalf("others %v: the coding does not change", others)
			}
		}
		pcm := c.heard.pcm[50*opus.FrameSamples:]
		if low := weakest(pcm); low < 0.12 {
			t.Errorf("others %v: weakest 20 ms of a tone of 0.14 has loudness %.4f", others, low)
		}
	}
}

func TestChangeOfCodingDoesNotAllocate(t *testing.T) {
	b := newBusyRoom(t, 20, 3, true)
	sinks := b.room.members.Load().sinks
	at := 0
	run := func() {
		at++
		for i, s := range sinks {
			s.SetLossy((at/100+i)%3 == 0)
		}
		b.step()
	}
	for range 600 {
		run() // until there are encoders for all that can happen
	}
	if allocs := testing.AllocsPerRun(600, run); allocs != 0 {
		t.Errorf("%v allocations per step while lines change, want 0", allocs)
	}
}
