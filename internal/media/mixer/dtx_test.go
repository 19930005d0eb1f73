package mixer

import (
	"math"
	"math/rand/v2"
	"testing"

	"carillon/internal/media/opus"
)

// dtxSender sends what a browser sends that was told to use DTX: of the packets in which nothing is coded only the first
// one in a row.
type dtxSender struct {
	*sender
	resting bool
	sent    int
}

func newDTXSender(t testing.TB, s sound) *dtxSender {
	t.Helper()
	d := &dtxSender{sender: newSender(t, s)}
	for _, err := range []error{d.enc.SetDTX(true), d.enc.SetComplexity(9)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// next makes the packet of a frame, and says whether it is sent.
func (d *dtxSender) next() (p sentPacket, sent bool) {
	seq := d.header.SequenceNumber
	p = d.sender.next()
	nothing := len(p.payload) <= dtxBytes
	if nothing && d.resting {
		d.header.SequenceNumber = seq
		return p, false
	}
	d.resting = nothing
	d.sent++
	return p, true
}

// said is when words are said within a phrase, in seconds. After the third one comes a pause in which DTX begins, and
// which is over before the talker has let go; after the last one a long one.
var said = [][2]float64{{0, 0.4}, {0.5, 0.9}, {1, 1.4}, {1.84, 2.24}}

const phrase = 4 * 50 // steps

// phrases lets a sound through for the words of a phrase, over the noise of a room.
func phrases(s sound, noise float64) sound {
	rng := rand.New(rand.NewPCG(8, 9))
	return func(t float64) float64 {
		at, loud := math.Mod(t, phrase/50), 0.0
		for _, w := range said {
			loud = max(loud, min(1, (at-w[0])/0.02, (w[1]-at)/0.02))
		}
		return s(t)*loud + noise*(rng.Float64()-0.5)
	}
}

// sharpest is the greatest bend of the curve: a click has a great one.
func sharpest(pcm []float32) float64 {
	most := 0.0
	for i := 2; i < len(pcm); i++ {
		most = max(most, math.Abs(float64(pcm[i]-2*pcm[i-1]+pcm[i-2])))
	}
	return most
}

// hearing is a room in which one talks, and another one listens.
type hearing struct {
	*Room
	source   *Source
	sink     *Sink
	listener *listener
	company  *Source // a second one who is hardly audible, so that there is a mix; nil if packets are to be passed on
	hum      *sender
}

func newHearing(t *testing.T, company bool) *hearing {
	h := &hearing{Room: NewRoom(Config{}), listener: newListener(t)}
	h.source = h.AddSource(SourceConfig{})
	h.sink = h.AddSink(SinkConfig{Owner: h.listener})
	if company {
		h.company = h.AddSource(SourceConfig{})
		h.hum = newSender(t, func(at float64) float64 { return 0.003 * tone(90)(at) })
	}
	return h
}

func (h *hearing) step(t *testing.T) {
	if h.company != nil {
		push(h.company, h.hum.next())
	}
	step(t, h.Room)
}

// said returns what the listener hears of a phrase, from and to those seconds.
func (h *hearing) said(phraseNo int, from, to float64) []float32 {
	const delay = 0.04 // of the jitter queue and our encoder
	start := float64(phraseNo*phrase)/50 + delay
	return h.listener.pcm[int((start+from)*opus.SampleRate):int((start+to)*opus.SampleRate)]
}

// TestPhrasesWithDTX has somebody talk with DTX, and without. With it nobody must hear clicks that are not there without, or
// miss anything, and nothing may be made up.
func TestPhrasesWithDTX(t *testing.T) {
	for name, c := range map[string]struct {
		noise float64
		mixed bool
	}{
		"silence, passed on": {0, false}, "silence, mixed": {0, true},
		"a room, passed on": {0.0004, false}, "a room, mixed": {0.0004, true},
	} {
		t.Run(name, func(t *testing.T) {
			with, without := newHearing(t, c.mixed), newHearing(t, c.mixed)
			sender, always := newDTXSender(t, phrases(tone(437), c.noise)), newSender(t, phrases(tone(437), c.noise))
			const number = 4
			passedOn, rested := 0, 0
			for i := range number * phrase {
				if p, sent := sender.next(); sent {
					push(with.source, p)
				}
				with.step(t)
				push(without.source, always.next())
				without.step(t)
				if with.source.conceal != 0 || with.source.clean < i {
					t.Fatalf("step %d: audio is made up", i)
				}
				if m := with.sink.mix; m != nil && m.passed == with.source {
					passedOn++
					if len(with.source.packet) <= dtxBytes {
						rested++
					}
				}
				if talks, at := with.talkers.talks(with.source), i%phrase; at > 1 && at < 112 && !talks || at > 145 && talks {
					t.Errorf("step %d of phrase %d: counts as talking: %v", at, i/phrase, talks)
				}
			}
			played, missing := with.source.Played()
			if missing > 0 || played < (number*phrase-5)*opus.FrameSamples {
				t.Errorf("%d samples played, %d missing", played, missing)
			}
			a, b := sharpest(with.listener.pcm), sharpest(without.listener.pcm)
			t.Logf("%d of %d packets sent, %d steps passed on, %d of them of pauses; greatest bend %.5f, without DTX %.5f",
				sender.sent, number*phrase, passedOn, rested, a, b)
			if sender.sent > number*phrase*9/10 || !c.mixed && (passedOn < number*60 || rested < number*3) || c.mixed && passedOn > 0 {
				t.Error("nothing is tested")
			}
			if a > 2*b {
				t.Error("clicks")
			}
			for i := range number {
				for _, w := range said {
					if low := weakest(with.said(i, w[0]+0.04, w[1]-0.04)); low < 0.11 {
						t.Errorf("gap of loudness %.4f in the word at %.2f s of phrase %d", low, w[0], i)
					}
				}
				for _, pause := range [][2]float64{{1.5, 1.8}, {2.35, 3.9}} {
					if rest := rms(with.said(i, pause[0], pause[1])); rest > 0.001 {
						t.Errorf("loudness %.4f in the pause at %.2f s of phrase %d", rest, pause[0], i)
					}
				}
			}
		})
	}
}

// A frame that is inserted when a pause begins must not make listeners hear noise in the rest of it: a decoder that goes
// from one encoder to another and is then given nothing makes it up.
func TestDelayChangesInPausesWithDTX(t *testing.T) {
	h := newHearing(t, false)
	// Sound of all frequencies, or there would be little noise to make up.
	rng := rand.New(rand.NewPCG(1, 2))
	hiss := func(float64) float64 { return rng.NormFloat64() * 0.1 }
	sender := newDTXSender(t, phrases(hiss, 0))
	const number = 9
	passedOn, changed := 0, 0
	for i := range number * phrase {
		if at := i % phrase; at == 122+i/phrase { // around the moment from which on packets are left out
			h.source.queue.short = true
			changed++
		}
		if p, sent := sender.next(); sent {
			push(h.source, p)
		}
		h.step(t)
		if h.sink.passing() {
			passedOn++
		}
	}
	if passedOn < number*60 || changed == 0 {
		t.Errorf("%d steps passed on: nothing is tested", passedOn)
	}
	for i := range number {
		if noise := rms(h.said(i, 2.4, 3.9)); noise > 0.001 {
			t.Errorf("loudness %.4f in the pause of phrase %d", noise, i)
		}
	}
}

// A sender that falls silent without a word, and goes on with its clock, is heard without delay afterwards: also when it
// falls silent while its packets are passed on, and the mix has to take over.
func TestStreamThatStopsKeepsItsDelay(t *testing.T) {
	for _, stop := range []int{2, 7, 15, 40} {
		h := newHearing(t, false)
		sender := newDTXSender(t, phrases(tone(437), 0))
		for i := range 3 * phrase {
			if p, sent := sender.next(); sent {
				push(h.source, p)
			}
			h.step(t)
			if i == 2*phrase+10 {
				if !h.sink.passing() {
					t.Fatal("packets are not passed on: nothing is tested")
				}
				for range stop {
					sender.header.Timestamp += opus.FrameSamples
					h.step(t)
				}
			}
			if depth := h.source.queue.depth(); i > 2*phrase+12 && depth > 2*opus.FrameSamples {
				t.Fatalf("%d ms wait %d steps after a stop of %d", depth/48, i-2*phrase-10, stop)
			}
		}
	}
}
