package mixer

import (
	"testing"

	"carillon/internal/media/opus"
)

func TestNewFormat(t *testing.T) {
	for _, c := range []struct {
		stereo  bool
		wish    int
		bitrate int
	}{
		{false, 0, 48000}, {false, 6000, 32000}, {false, -1, 32000}, {false, 40000, 40000}, {false, 63999, 48000}, {false, 64000, 64000},
		{false, 510000, 128000}, {true, 0, 64000}, {true, 32000, 32000}, {true, 100000, 96000}, {true, 128000, 128000}, {true, 1 << 30, 128000},
	} {
		if f := NewFormat(c.stereo, c.wish); f.Stereo() != c.stereo || f.Bitrate() != c.bitrate {
			t.Errorf("stereo %v, at most %d: %v at %d, want %d", c.stereo, c.wish, f.Stereo(), f.Bitrate(), c.bitrate)
		}
	}
	for _, wish := range []int{0, 48000, 50000} {
		if (Format{}) != NewFormat(false, wish) {
			t.Errorf("the zero value is not the usual format, at most %d", wish)
		}
	}
}

// What costs more, the speech coder, is used where its forward error correction is needed, or where bits are few.
func TestHowFormatsAreCoded(t *testing.T) {
	for _, c := range []struct {
		stereo  bool
		wish    int
		lossy   bool
		speech  bool
		bitrate int
		loss    int
	}{
		{false, 0, false, false, 48000, 0}, {false, 0, true, true, 32000, 10},
		{false, 40000, false, false, 40000, 0}, {false, 40000, true, true, 40000, 10},
		{false, 32000, false, true, 32000, 10}, {false, 32000, true, true, 32000, 10},
		{false, 64000, false, false, 64000, 10}, {false, 64000, true, false, 64000, 10},
		{true, 32000, true, false, 32000, 10}, {true, 48000, true, false, 48000, 10}, {true, 128000, false, false, 128000, 10},
	} {
		channels := 1
		if c.stereo {
			channels = 2
		}
		want := opus.EncoderConfig{Channels: channels, Music: !c.speech, Bitrate: c.bitrate, Complexity: 5, ExpectedLoss: c.loss}
		if got := NewFormat(c.stereo, c.wish).coding(c.lossy).encoder(); got != want {
			t.Errorf("%+v: coded as %+v", c, got)
		}
	}
}

// tonesIn checks the amplitudes of the tones of the two channels and of somebody's voice in what is heard. What does
// not belong there is 30 dB below.
func tonesIn(t *testing.T, who string, pcm []float32, left, right, voice float64) {
	t.Helper()
	for hz, want := range map[float64]float64{500: left, 1700: right, 880: voice} {
		if a := amplitude(pcm, hz); a < want*0.7-0.006 || a > want*1.4+0.006 {
			t.Errorf("%s hears %v Hz at amplitude %.4f, want %.2f", who, hz, a, want)
		}
	}
}

// Music from a shared tab, with a tone in each channel, and somebody who talks. It is heard in stereo by those who
// asked for it and in mono by the others, who hear the mean of both channels.
func TestStereoIsHeardByThoseWhoAsk(t *testing.T) {
	r := NewRoom(Config{})
	tab, voice := r.AddSource(SourceConfig{}), r.AddSource(SourceConfig{})
	music, speech := newStereoSender(t, tone(500), tone(1700)), newSender(t, tone(880))
	add := func(l *listener, f Format, exclude ...*Source) *listener {
		r.AddSink(SinkConfig{Exclude: exclude, Format: f, Owner: l})
		return l
	}
	best := add(newStereoListener(t), full)
	add(newStereoListener(t), full) // shares the mix
	small := add(newStereoListener(t), NewFormat(true, 0))
	mono := add(newListener(t), Format{})
	rich := add(newListener(t), NewFormat(false, 64000))
	owner := add(newStereoListener(t), full, tab)
	talker := add(newStereoListener(t), full, voice)
	talkerInMono := add(newListener(t), Format{}, voice)

	const steps = 150
	for range steps {
		push(tab, music.next())
		push(voice, speech.next())
		step(t, r)
	}
	for who, l := range map[string]*listener{"best": best, "small": small} {
		tonesIn(t, who+", left", l.last(1), 0.2, 0, 0.2)
		tonesIn(t, who+", right", ending(l.right, 1), 0, 0.2, 0.2)
	}
	tonesIn(t, "owner, left", owner.last(1), 0, 0, 0.2)
	tonesIn(t, "owner, right", ending(owner.right, 1), 0, 0, 0.2)
	tonesIn(t, "talker, left", talker.last(1), 0.2, 0, 0)
	tonesIn(t, "talker, right", ending(talker.right, 1), 0, 0.2, 0)
	tonesIn(t, "mono", mono.last(1), 0.1, 0.1, 0.2)
	tonesIn(t, "mono at more bits", rich.last(1), 0.1, 0.1, 0.2)
	tonesIn(t, "talker in mono", talkerInMono.last(1), 0.1, 0.1, 0)
	for who, l := range map[string]*listener{"mono": mono, "rich": rich, "talker in mono": talkerInMono} {
		if l.stereo > 0 {
			t.Errorf("%s gets %d stereo packets", who, l.stereo)
		}
	}
	if best.stereo < steps-10 {
		t.Errorf("only %d packets of the best format are stereo", best.stereo)
	}
	if len(r.mixes) != 7 {
		t.Errorf("%d encoders at work, want 7", len(r.mixes))
	}
	for who, c := range map[string]struct {
		l    *listener
		rate float64
	}{"best": {best, 128e3}, "small": {small, 64e3}, "mono": {mono, 48e3}, "rich": {rich, 64e3}} {
		if rate := float64(c.l.bytes) * 8 * 50 / steps; rate > 1.15*c.rate || rate < c.rate/4 {
			t.Errorf("%s gets %.0f bit/s, want about %.0f", who, rate, c.rate)
		}
	}
}

// Nothing of one channel is in the other one, whatever the network does and however long packets are. The tone does not
// repeat with the packets.
func TestChannelsDoNotLeak(t *testing.T) {
	const hz = 613
	for _, c := range []struct {
		name   string
		ms     int
		pushes func(step int) int // how many packets arrive in a step; one less than none: one is lost
	}{
		{"steady", 20, func(int) int { return 1 }},
		{"10 ms", 10, func(int) int { return 2 }},
		{"40 ms", 40, func(i int) int { return (i + 1) % 2 }},
		{"60 ms", 60, func(i int) int { return max(0, 1-i%3) }},
		{"loss", 20, func(i int) int { return 1 - 2*(i%20/19) }},
		{"fast clock", 20, func(i int) int { return 1 + i%20/19 }},
		{"slow clock", 20, func(i int) int { return 1 - i%40/39 }},
		{"too early", 20, func(i int) int { return 1 + 7*(1/(i+1)) }}, // so that packets are merged
		{"bursts", 20, func(i int) int { return 6 * (i % 6 / 5) }},
	} {
		for _, side := range []string{"left", "right"} {
			t.Run(c.name+", "+side, func(t *testing.T) {
				r := NewRoom(Config{})
				source, l := r.AddSource(SourceConfig{}), newStereoListener(t)
				r.AddSink(SinkConfig{Format: full, Owner: l})
				s := newStereoSender(t, tone(hz), silence)
				if side == "right" {
					s = newStereoSender(t, silence, tone(hz))
				}
				s.samples = c.ms * opus.SampleRate / 1000
				for i := range 400 {
					n := c.pushes(i)
					for range n {
						push(source, s.next())
					}
					if n < 0 {
						s.next()
					}
					step(t, r)
				}
				sound, none := l.last(7), ending(l.right, 7)
				if side == "right" {
					sound, none = none, sound
				}
				if loud := rms(sound); loud < 0.1 {
					t.Errorf("the tone has loudness %.4f", loud)
				}
				for k := range len(none) / opus.FrameSamples {
					if got := rms(none[k*opus.FrameSamples:][:opus.FrameSamples]); got > 0.004 {
						t.Fatalf("loudness %.5f in the other channel, in frame %d", got, k)
					}
				}
			})
		}
	}
}

func silence(float64) float64 { return 0 }

// Out of phase, a mono listener hears nothing; the level, which decides about who is heard, is that of both channels.
func TestLevelIsOfBothChannels(t *testing.T) {
	r := NewRoom(Config{})
	source, l := r.AddSource(SourceConfig{}), newStereoListener(t)
	r.AddSink(SinkConfig{Format: full, Owner: l})
	s := newStereoSender(t, tone(600), func(at float64) float64 { return -tone(600)(at) })
	s.unknown = true
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	wantTone(t, "left", l.last(1), 600, true)
	wantTone(t, "right", ending(l.right, 1), 600, true)
	if source.Level() > 25 {
		t.Errorf("level %d", source.Level())
	}
}

func TestSetFormatTakesEffect(t *testing.T) {
	r := NewRoom(Config{})
	source, l := r.AddSource(SourceConfig{}), newStereoListener(t)
	sink := r.AddSink(SinkConfig{Owner: l})
	s := newStereoSender(t, tone(500), tone(1700))
	run := func(f Format) {
		sink.SetFormat(f)
		for range 100 {
			push(source, s.next())
			step(t, r)
		}
	}
	run(Format{})
	tonesIn(t, "mono, left", l.last(1), 0.1, 0.1, 0)
	run(full)
	tonesIn(t, "stereo, left", l.last(1), 0.2, 0, 0)
	tonesIn(t, "stereo, right", ending(l.right, 1), 0, 0.2, 0)
	run(Format{})
	tonesIn(t, "mono again, left", l.last(1), 0.1, 0.1, 0)
}

// Loud stereo is limited without moving from one side to the other.
func TestLimiterKeepsTheBalance(t *testing.T) {
	r := NewRoom(Config{})
	l := newStereoListener(t)
	r.AddSink(SinkConfig{Format: full, Owner: l})
	var sources []*Source
	var senders []*sender
	for i := range 4 {
		loud := tone(300 + 200*float64(i))
		senders = append(senders, newStereoSender(t, func(at float64) float64 { return 4 * loud(at) }, func(at float64) float64 { return loud(at) }))
		sources = append(sources, r.AddSource(SourceConfig{}))
	}
	for range 100 {
		for i, s := range senders {
			push(sources[i], s.next())
		}
		step(t, r)
		for _, v := range r.stereo.frame {
			if v > 1 || v < -1 {
				t.Fatalf("sample %v", v)
			}
		}
	}
	left, right := rms(l.last(1)), rms(ending(l.right, 1))
	if left < 0.2 || left/right < 3.2 || left/right > 4.4 {
		t.Errorf("loudness %.3f on the left, %.3f on the right; want 4 times as much", left, right)
	}
}

func TestStereoStepDoesNotAllocate(t *testing.T) {
	b := newStereoRoom(t, 20, 5)
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step, want 0", allocs)
	}
	b.loops = b.loops[:1]
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step while others fall silent, want 0", allocs)
	}
}
