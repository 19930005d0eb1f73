package mixer

import (
	"fmt"
	"math"
	"testing"

	"carillon/internal/media/opus"
)

var threeTones = []float64{440, 660, 880}

func TestEverybodyHearsTheOthersOnly(t *testing.T) {
	r := NewRoom(Config{})
	var senders []*sender
	var sources []*Source
	var listeners []*listener
	for _, hz := range threeTones {
		senders = append(senders, newSender(t, tone(hz)))
		source := r.AddSource(SourceConfig{})
		sources = append(sources, source)
		l := newListener(t)
		listeners = append(listeners, l)
		r.AddSink(SinkConfig{Exclude: []*Source{source}, Owner: l})
	}
	audience := newListener(t)
	r.AddSink(SinkConfig{Owner: audience})
	nearAudience := newListener(t) // excludes somebody who is silent
	r.AddSink(SinkConfig{Exclude: []*Source{r.AddSource(SourceConfig{})}, Owner: nearAudience})
	pair := newListener(t) // a participant with two sources: main and content
	r.AddSink(SinkConfig{Exclude: []*Source{sources[0], sources[2]}, Owner: pair})

	for range 150 {
		for i, s := range senders {
			push(sources[i], s.next())
		}
		step(t, r)
	}
	for i, l := range listeners {
		for k, hz := range threeTones {
			wantTone(t, fmt.Sprintf("listener %d", i), l.last(1), hz, i != k)
		}
	}
	for k, hz := range threeTones {
		wantTone(t, "audience", audience.last(1), hz, true)
		wantTone(t, "audience with a silent own source", nearAudience.last(1), hz, true)
		wantTone(t, "owner of two sources", pair.last(1), hz, k == 1)
	}
	if len(r.mixes) != 5 {
		t.Errorf("%d encoders at work, want 5: the common one, three own, one for the pair", len(r.mixes))
	}
}

func TestSetExcludeTakesEffect(t *testing.T) {
	r := NewRoom(Config{})
	source, s, l := r.AddSource(SourceConfig{}), newSender(t, tone(440)), newListener(t)
	sink := r.AddSink(SinkConfig{Owner: l})
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	wantTone(t, "before", l.last(1), 440, true)
	sink.SetExclude([]*Source{source})
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	wantTone(t, "after", l.last(1), 440, false)
}

func TestDeafListener(t *testing.T) {
	r := NewRoom(Config{})
	source, s, l, other := r.AddSource(SourceConfig{}), newSender(t, tone(440)), newListener(t), newListener(t)
	sink := r.AddSink(SinkConfig{Owner: l})
	r.AddSink(SinkConfig{Owner: other})
	run := func() {
		for range 100 {
			push(source, s.next())
			step(t, r)
		}
	}
	sink.SetDeaf(true)
	run()
	if got := rms(l.pcm); got > 1e-4 || l.talk != 0 {
		t.Errorf("a deaf listener hears loudness %.6f, and talk in %d frames", got, l.talk)
	}
	wantTone(t, "another listener", other.last(1), 440, true)
	sink.SetDeaf(false)
	run()
	wantTone(t, "the listener afterwards", l.last(1), 440, true)
	sink.SetDeaf(true)
	run()
	wantTone(t, "the listener deaf again", l.last(1.8), 440, false)
}

func TestMute(t *testing.T) {
	r := NewRoom(Config{})
	source, s, l := r.AddSource(SourceConfig{}), newSender(t, nil), newListener(t)
	r.AddSink(SinkConfig{Owner: l})
	run := func(n int, hz float64) {
		s.sound = tone(hz)
		for range n {
			push(source, s.next())
			step(t, r)
		}
	}
	run(100, 440)
	wantTone(t, "before", l.last(1), 440, true)
	if got := source.Level(); got > 30 {
		t.Errorf("level %d while talking", got)
	}
	source.SetMuted(true)
	if got := source.Level(); got != SilentLevel {
		t.Errorf("level %d when muted, want %d", got, SilentLevel)
	}
	run(5, 440) // what the decoder of the listener lets fade away
	run(95, 880)
	wantTone(t, "muted", l.last(1.8), 880, false)
	if got := rms(l.last(1.8)); got > 0.001 {
		t.Errorf("loudness %.5f when muted, want silence", got)
	}
	source.SetMuted(false)
	from := len(l.pcm)
	run(100, 660)
	wantTone(t, "unmuted", l.last(1), 660, true)
	// What waited in the queue when the source was unmuted had been said while it was muted.
	wantTone(t, "unmuted", l.pcm[from:from+12*opus.FrameSamples], 880, false)
}

func TestSilentRoomStillSendsFrames(t *testing.T) {
	r := NewRoom(Config{})
	l, late := newListener(t), newListener(t)
	r.AddSink(SinkConfig{Owner: l})
	source, s := r.AddSource(SourceConfig{}), newSender(t, tone(440))
	for i := range 1000 {
		if i == 500 {
			r.AddSink(SinkConfig{Owner: late})
		}
		step(t, r)
	}
	if l.frames != 1000 || late.frames != 500 || l.talk+late.talk != 0 {
		t.Fatalf("%d and %d frames, %d with talk", l.frames, late.frames, l.talk+late.talk)
	}
	for _, l := range []*listener{l, late} {
		if got := rms(l.pcm); got > 1e-4 {
			t.Errorf("loudness %.6f, want silence", got)
		}
	}
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	wantTone(t, "after the silence", l.last(1), 440, true)
	wantTone(t, "after the silence", late.last(1), 440, true)
	if l.talk < 90 {
		t.Errorf("talk in %d frames of 100", l.talk)
	}
	for range 1000 { // the way back to silence, and the repeated packet
		step(t, r)
	}
	if got := rms(l.last(19)); got > 1e-4 {
		t.Errorf("loudness %.6f after talk, want silence", got)
	}
}

// TestChangeOfEncoderIsInaudible lets a listener, who hears a steady tone, start and stop talking, so
// that it moves to its own mix and back. What is left of each frame once the tone is taken out must not
// stand out when that happens: a decoder that is fed from an encoder with another history clicks.
func TestChangeOfEncoderIsInaudible(t *testing.T) {
	for name, format := range map[string]Format{"mono": {}, "stereo": full} {
		t.Run(name, func(t *testing.T) { changeOfEncoder(t, format, false) })
	}
	t.Run("speech", func(t *testing.T) { changeOfEncoder(t, Format{}, true) })
}

func changeOfEncoder(t *testing.T, format Format, lossy bool) {
	r := NewRoom(Config{})
	other, own := r.AddSource(SourceConfig{}), r.AddSource(SourceConfig{})
	voice := func(at float64) float64 { // in the seconds 2-4, 6-8, …
		if int(at)/2%2 == 1 {
			return tone(3000)(at)
		}
		return 0
	}
	steady, talker := newSender(t, tone(440)), newSender(t, voice)
	me := newListener(t)
	if format.Stereo() {
		steady = newStereoSender(t, func(at float64) float64 { return 1.5 * tone(440)(at) }, func(at float64) float64 { return tone(440)(at) / 2 })
		me = newStereoListener(t)
	}
	mine := r.AddSink(SinkConfig{Exclude: []*Source{own}, Format: format, Owner: me})
	mine.SetLossy(lossy)
	r.AddSink(SinkConfig{Format: format}).SetLossy(lossy) // keeps the common mix in use

	var changes []int // frames
	var mix *mix
	for i := range 24 * 50 {
		push(other, steady.next())
		push(own, talker.next())
		step(t, r)
		if mine.mix != mix {
			changes = append(changes, i)
		}
		mix = mine.mix
	}
	if len(changes) < 11 {
		t.Fatalf("%d changes of encoder, want at least 11", len(changes))
	}
	most := func(from, to int) (r float64) {
		for i := from; i < to; i++ {
			r = max(r, residue(me.pcm, i, 440))
			if format.Stereo() {
				r = max(r, residue(me.right, i, 440))
			}
		}
		return r
	}
	usual := most(50, 90)
	for _, i := range changes[1:] { // the first is the first frame of all
		worst := most(i-1, i+5)
		if worst > 2*usual {
			t.Errorf("residue %.5f at the change at %.2f s, usually up to %.5f", worst, float64(i)/50, usual)
		}
	}
}

// residue returns how loud frame i is without its part at the given frequency.
func residue(pcm []float32, i int, hz float64) float64 {
	frame := pcm[i*opus.FrameSamples : (i+1)*opus.FrameSamples]
	w := 2 * math.Pi * hz / opus.SampleRate
	// Least squares on sine and cosine.
	var ss, sc, cc, fs, fc float64
	for k, v := range frame {
		s, c := math.Sincos(w * float64(k))
		ss, sc, cc = ss+s*s, sc+s*c, cc+c*c
		fs, fc = fs+float64(v)*s, fc+float64(v)*c
	}
	det := ss*cc - sc*sc
	a, b := (fs*cc-fc*sc)/det, (fc*ss-fs*sc)/det
	rest := make([]float32, len(frame))
	for k, v := range frame {
		s, c := math.Sincos(w * float64(k))
		rest[k] = v - float32(a*s+b*c)
	}
	return rms(rest)
}

func TestLoudSumIsLimited(t *testing.T) {
	r := NewRoom(Config{})
	var senders []*sender
	var sources []*Source
	for i := range 8 {
		hz := 300 + 110*float64(i)
		senders = append(senders, newSender(t, func(at float64) float64 { return 2.5 * tone(hz)(at) }))
		sources = append(sources, r.AddSource(SourceConfig{}))
	}
	r.AddSink(SinkConfig{})
	var mixed [opus.FrameSamples]float32
	for range 50 {
		for i, s := range senders {
			push(sources[i], s.next())
		}
		r.Step(func(*Sink, *Frame) { mixed = r.work.mixed }) // what the encoder got
		for i, v := range mixed {
			if v > 1 || v < -1 {
				t.Fatalf("sample %d is %v", i, v)
			}
		}
	}
	if got := rms(mixed[:]); got < 0.1 {
		t.Errorf("loudness %.3f, want a loud mix", got)
	}
}

func TestTalkersAreBounded(t *testing.T) {
	r := NewRoom(Config{})
	s := newSender(t, tone(440))
	var sources []*Source
	for range 3 * maxTalkers {
		sources = append(sources, r.AddSource(SourceConfig{}))
	}
	r.AddSink(SinkConfig{Owner: newListener(t)})
	loud := sources[len(sources)-1]
	heard := 0
	for range 50 {
		p := s.next()
		for _, source := range sources {
			p.level = 40
			if source == loud {
				p.level = 10
			}
			push(source, p)
		}
		step(t, r)
		heard = 0
		for _, source := range sources {
			if r.talkers.talks(source) {
				heard++
			}
		}
		if heard > maxTalkers {
			t.Fatalf("%d talkers at once, want at most %d", heard, maxTalkers)
		}
	}
	if heard != maxTalkers {
		t.Errorf("%d talkers, want %d", heard, maxTalkers)
	}
	if !r.talkers.talks(loud) {
		t.Error("the loudest is not heard")
	}
}
