package mixer

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"carillon/internal/media/opus"
)

// words lets a sound through for 0.8 s of each second, with edges of 20 ms as voices have them.
func words(s sound) sound {
	return func(t float64) float64 {
		at := math.Mod(t, 1)
		return s(t) * max(0, min(1, at/0.02, (0.8-at)/0.02))
	}
}

// interjections lets a sound through for 0.3 s, every 3.7 s.
func interjections(s sound) sound {
	return func(t float64) float64 {
		if math.Mod(t, 3.7) > 3.4 {
			return s(t)
		}
		return 0
	}
}

// conversation is one who talks all the time and one who interrupts, and what a third one hears. That they can be told
// apart, nothing is heard of the second but that the mix takes over: all its packets have is a level.
type conversation struct {
	room          *Room
	first, second *Source
	sink          *Sink // of the third
	a, b          *sender
	heard         *listener // by the third
	direct        *listener // the first one's own packets, decoded without any network or mixer
	changes       []change
	passed        int // steps in which packets were passed on
}

type change struct {
	step    int
	passing bool // from now on
}

func newConversation(t *testing.T, s sound) *conversation {
	return newConversationIn(t, s, Format{}, 1)
}

// newConversationIn is one in which all listen in a format, and the first one sends that many channels; of two, the
// right one is half as loud.
func newConversationIn(t *testing.T, s sound, format Format, channels int) *conversation {
	c := &conversation{room: NewRoom(Config{}), a: newSender(t, words(s)), b: newSender(t, silence),
		heard: newListener(t), direct: newListener(t)}
	if format.Stereo() {
		c.heard, c.direct = newStereoListener(t), newStereoListener(t)
	}
	if channels == 2 {
		c.a = newStereoSender(t, words(s), func(at float64) float64 { return words(s)(at) / 2 })
	}
	c.first, c.second = c.room.AddSource(SourceConfig{}), c.room.AddSource(SourceConfig{})
	c.sink = c.room.AddSink(SinkConfig{Format: format, Owner: c.heard})
	c.room.AddSink(SinkConfig{Format: format})
	return c
}

// step goes on by 20 ms; lost packets of the first do not arrive.
func (c *conversation) step(t *testing.T, lost bool) {
	t.Helper()
	p := c.a.next()
	c.direct.hear(p.payload, true)
	if !lost {
		push(c.first, p)
	}
	p = c.b.next()
	if interjections(func(float64) float64 { return 1 })(float64(c.b.at)/opus.SampleRate) > 0 {
		p.level = 20
	}
	push(c.second, p)
	before := c.sink.passing()
	step(t, c.room)
	now := c.sink.passing()
	if now != before {
		c.changes = append(c.changes, change{c.heard.frames - 1, now})
	}
	if now {
		c.passed++
	}
}

// TestPassingIsInaudible compares what the interrupter hears with what a decoder makes of the first one's own
// packets. Between the two lies a delay only. While packets are passed on it must be the same every time, or something
// was left out or repeated; and nothing that does not belong to the tone may stand out where passing begins or ends.
func TestPassingIsInaudible(t *testing.T) {
	for _, v := range []struct {
		hz       float64
		format   Format
		channels int
	}{{223, Format{}, 1}, {437, Format{}, 1}, {2750, Format{}, 1}, {437, full, 1}, {437, full, 2}} {
		t.Run(fmt.Sprintf("%v Hz, %d channels, stereo %v", v.hz, v.channels, v.format.Stereo()), func(t *testing.T) {
			hz := v.hz
			c := newConversationIn(t, tone(hz), v.format, v.channels)
			for range 30 * 50 {
				c.step(t, false)
			}
			if len(c.changes) < 16 || c.passed < 700 {
				t.Fatalf("%d changes, packets passed on in %d steps: nothing is tested", len(c.changes), c.passed)
			}
			const delay = opus.FrameSamples // of the jitter queue: one packet waits behind the one that is played
			loudest, in := 0.0, 0
			for _, ch := range c.changes {
				if ch.passing {
					// The third frame: the decoder has come to the state of the other encoder.
					from := (ch.step + 2) * opus.FrameSamples
					got, want := c.heard.pcm[from:from+opus.FrameSamples], c.direct.pcm[from-delay:from-delay+opus.FrameSamples]
					if d := distance(got, want); d > 0.001 {
						t.Errorf("step %d: what is passed on is off by %.4f: the delay is not that of before", ch.step, d)
					}
				}
				for k := ch.step - 1; k < ch.step+4; k++ {
					if steady(c.heard.pcm, k) {
						x := residue(c.heard.pcm, k, hz)
						if v.format.Stereo() {
							x = max(x, residue(c.heard.right, k, hz))
						}
						if x > loudest {
							loudest, in = x, ch.step
						}
					}
				}
			}
			t.Logf("%d changes, %d steps passed on; loudest residue %.4f at step %d", len(c.changes), c.passed, loudest, in)
			limit := 0.014 // 20 dB below the tone
			if v.channels == 2 {
				limit = 0.007 // four times the bits
			}
			if loudest > limit {
				t.Errorf("residue %.4f of a tone of 0.14 at the change in step %d", loudest, in)
			}
		})
	}
}

// TestSplicesAreFound shows that the test above would find what it looks for: 6.5 ms left out or heard twice.
func TestSplicesAreFound(t *testing.T) {
	const hz = 437
	c := newConversation(t, tone(hz))
	for range 30 {
		c.step(t, false)
	}
	at := 20*opus.FrameSamples + 300
	for name, spliced := range map[string][]float32{
		"left out": slices.Concat(c.heard.pcm[:at], c.heard.pcm[at+opus.EncoderDelay:]),
		"repeated": slices.Concat(c.heard.pcm[:at], c.heard.pcm[at-opus.EncoderDelay:]),
	} {
		if x := residue(spliced, 20, hz); x < 0.03 {
			t.Errorf("%s: residue %.4f", name, x)
		}
	}
}

// TestPassingSurvivesLoss loses packets of the talker: then a frame must be made up, which only the mix can do.
func TestPassingSurvivesLoss(t *testing.T) {
	const hz = 437
	c := newConversation(t, tone(hz))
	for i := range 40 * 50 {
		c.step(t, i%209 == 120)
	}
	if len(c.changes) < 12 || c.passed < 100 {
		t.Fatalf("%d changes, %d steps", len(c.changes), c.passed)
	}
	for _, ch := range c.changes {
		for k := ch.step - 1; k < ch.step+4; k++ {
			if !steady(c.heard.pcm, k) {
				continue
			}
			if x := residue(c.heard.pcm, k, hz); x > 0.03 { // concealment itself is not perfect
				t.Errorf("residue %.4f in step %d", x, k)
			}
		}
	}
}

// steady reports whether the tone is at its full loudness in a frame and those around it.
func steady(pcm []float32, frame int) bool {
	for k := frame - 1; k <= frame+1; k++ {
		if (k+1)*opus.FrameSamples > len(pcm) || rms(pcm[k*opus.FrameSamples:(k+1)*opus.FrameSamples]) < 0.13 {
			return false
		}
	}
	return true
}

func distance(a, b []float32) float64 {
	d := make([]float32, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return rms(d)
}

// What is not 20 ms of mono in each packet is mixed for those who did not ask for stereo.
func TestOtherFormatsAreNotPassedOn(t *testing.T) {
	for _, f := range []struct{ ms, channels int }{{10, 1}, {40, 1}, {20, 2}} {
		r, source, _ := room1(t)
		s := newSenderOf(t, words(tone(440)), f.ms*48, f.channels)
		for i := range 200 {
			for s.at < (i+1)*opus.FrameSamples {
				push(source, s.next())
			}
			step(t, r)
			if passing(r) > 0 {
				t.Fatalf("packets of %d ms, %d channels are passed on in step %d", f.ms, f.channels, i)
			}
		}
	}
}

// Music has no pauses, so it is mixed: passing on could only begin with a jump.
func TestMusicIsNotPassedOn(t *testing.T) {
	r, source, _ := room1(t)
	s := newSender(t, tone(440))
	for range 200 {
		push(source, s.next())
		step(t, r)
		if passing(r) > 0 {
			t.Fatal("packets are passed on")
		}
	}
}

// A talker that is muted or removed while packets are passed on is not heard any more, at once.
func TestPassingEndsWithTheTalker(t *testing.T) {
	for name, end := range map[string]func(*Room, *Source){
		"muted":   func(_ *Room, s *Source) { s.SetMuted(true) },
		"removed": func(r *Room, s *Source) { r.RemoveSource(s) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newConversation(t, tone(437))
			for passing(c.room) == 0 || c.heard.frames%50 != 20 {
				c.step(t, false)
			}
			end(c.room, c.first)
			for range 25 {
				c.step(t, false)
			}
			if got := rms(c.heard.last(0.42)); got > 0.001 {
				t.Errorf("loudness %.4f after the first 80 ms", got)
			}
		})
	}
}

// A talker decides how large the packets are that everybody gets, so only as large ones are passed on as honest clients
// send.
func TestLargePacketsAreNotPassedOn(t *testing.T) {
	for size, want := range map[int]bool{1: true, 80: true, maxPassed: true, maxPassed + 1: false} {
		s := &Source{whole: 1, packet: make([]byte, size)}
		if s.passable(1) != want {
			t.Errorf("%d bytes: passed on %v", size, !want)
		}
	}
}
