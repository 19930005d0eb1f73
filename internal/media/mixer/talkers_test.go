package mixer

import (
	"math/rand/v2"
	"testing"

	"carillon/internal/media/opus"
)

// noisyRoom is one of 200 people with open microphones that pick up noise, of whom the first three talk.
type noisyRoom struct {
	room    *Room
	sources []*Source
	noise   []sentPacket
	speech  []sentPacket
	rng     *rand.Rand
	at      int
}

func newNoisyRoom(t testing.TB) *noisyRoom {
	n := &noisyRoom{room: NewRoom(Config{}), rng: rand.New(rand.NewPCG(7, 8))}
	rng := rand.New(rand.NewPCG(1, 9))
	noise := newSender(t, func(float64) float64 { return 0.01 * (rng.Float64() - 0.5) })
	speech := newSender(t, words(voice(130)))
	for range 100 {
		n.noise = append(n.noise, noise.next())
		n.speech = append(n.speech, speech.next())
	}
	for range 200 {
		source := n.room.AddSource(SourceConfig{})
		n.room.AddSink(SinkConfig{Exclude: []*Source{source}})
		n.sources = append(n.sources, source)
	}
	return n
}

// voice is a sound like that of a vowel.
func voice(pitch float64) sound {
	return func(t float64) (v float64) {
		for k := 1.0; k <= 12; k++ {
			v += 0.7 * tone(pitch*k)(t) / k
		}
		return v
	}
}

// step sends a packet of everybody. The three who talk begin one second after each other.
func (n *noisyRoom) step() {
	for i, s := range n.sources {
		p := n.noise[n.at%len(n.noise)]
		p.level = uint8(48 + n.rng.IntN(20))
		if i < 3 && n.at >= 50*(i+1) {
			p = n.speech[(n.at+17*i)%len(n.speech)]
		}
		p.header.SequenceNumber = uint16(n.at)
		p.header.Timestamp = uint32(n.at) * opus.FrameSamples
		push(s, p)
	}
	n.at++
	n.room.Step(discard)
}

// In a room full of noise those who talk are heard, all the time and from the beginning; the noise of others comes and
// goes, but not in every step; and what is not heard costs no decoding.
func TestNoisyRoom(t *testing.T) {
	n := newNoisyRoom(t)
	unheard, changes, steps := 0, 0, 500
	before := n.room.talkers.held
	for n.at < steps {
		n.step()
		for i, s := range n.sources[:3] {
			if n.at > 50*(i+1)+4 && s.hang > 0 && !n.room.talkers.talks(s) {
				unheard++
			}
		}
		decoding := 0
		for _, s := range n.sources {
			if s.decoding {
				decoding++
			}
		}
		if n.at > 5 && decoding > maxTalkers+1 {
			t.Fatalf("%d sources are decoded in step %d", decoding, n.at)
		}
		if len(n.room.mixes) > maxTalkers+1 {
			t.Fatalf("%d mixes", len(n.room.mixes))
		}
		if n.room.talkers.held != before {
			changes++
		}
		before = n.room.talkers.held
	}
	t.Logf("talkers changed in %d of %d steps", changes, steps)
	if unheard > 0 {
		t.Errorf("somebody who talks was not heard in %d steps", unheard)
	}
	if changes > steps/20 {
		t.Errorf("the talkers changed in %d of %d steps", changes, steps)
	}
}

// BenchmarkNoisyRoom is one step of a room of 200 open microphones with noise, of whom three talk.
func BenchmarkNoisyRoom(b *testing.B) {
	n := newNoisyRoom(b)
	for range 200 {
		n.step()
	}
	b.ReportAllocs()
	steps, start := 0, cpuTime()
	for b.Loop() {
		n.step()
		steps++
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(steps), "cpu-ns/step")
}
