package mixer

import (
	"testing"

	"carillon/internal/media/opus"
)

// busyRoom is a room with n participants of whom some talk.
type busyRoom struct {
	room    *Room
	sources []*Source
	loops   [][]sentPacket
	sent    int
}

func newBusyRoom(t testing.TB, participants, talkers int) *busyRoom {
	b := &busyRoom{room: NewRoom(Config{})}
	for i := range participants {
		source := b.room.AddSource(SourceConfig{})
		b.room.AddSink(SinkConfig{Exclude: []*Source{source}})
		b.sources = append(b.sources, source)
		if i < talkers {
			b.loops = append(b.loops, speechLoop(t, i))
		}
	}
	for range 100 {
		b.step()
	}
	return b
}

// speechLoop makes packets of a speech-like sound that can be sent over and over.
func speechLoop(t testing.TB, voice int) []sentPacket {
	pitch := 110 * (1 + 0.3*float64(voice))
	s := newSender(t, func(at float64) (v float64) {
		for k := 1.0; k <= 8; k++ {
			v += tone(pitch*k*(1+0.05*tone(2)(at)))(at) / k
		}
		return v
	})
	loop := make([]sentPacket, 100)
	for i := range loop {
		loop[i] = s.next()
	}
	return loop
}

func (b *busyRoom) push() {
	for i, loop := range b.loops {
		p := &loop[b.sent%len(loop)]
		p.header.SequenceNumber = uint16(b.sent)
		p.header.Timestamp = uint32(b.sent) * opus.FrameSamples
		b.sources[i].Push(&p.header, p.payload, p.level)
	}
	b.sent++
}

func (b *busyRoom) step() {
	b.push()
	b.room.Step(discard)
}

var discard = func(*Sink, []byte, bool) {}

func TestStepDoesNotAllocate(t *testing.T) {
	b := newBusyRoom(t, 20, 3)
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step with talkers, want 0", allocs)
	}
	b.loops = nil
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step while all fall silent, want 0", allocs)
	}
}

func BenchmarkStep50(b *testing.B)     { benchmarkStep(b, 50, 3) }
func BenchmarkStep200(b *testing.B)    { benchmarkStep(b, 200, 3) }
func BenchmarkStepSilent(b *testing.B) { benchmarkStep(b, 200, 0) }

func benchmarkStep(b *testing.B, participants, talkers int) {
	room := newBusyRoom(b, participants, talkers)
	b.ReportAllocs()
	for b.Loop() {
		room.step()
	}
}

// BenchmarkFloor50 and 200 are what the codec alone costs for the same room: one decode per talker, one
// encode per talker and one for all the others, and a copy of a packet for each sink.
func BenchmarkFloor50(b *testing.B)  { benchmarkFloor(b, 50, 3) }
func BenchmarkFloor200(b *testing.B) { benchmarkFloor(b, 200, 3) }

func benchmarkFloor(b *testing.B, participants, talkers int) {
	type voice struct {
		loop []sentPacket
		dec  *opus.Decoder
		enc  *opus.Encoder
		pcm  [opus.FrameSamples]float32
		buf  [maxFrameBytes]byte
		n    int
	}
	voices := make([]*voice, talkers+1) // the last is the common mix
	for i := range voices {
		v := &voice{loop: speechLoop(b, i)}
		var err error
		if v.dec, err = opus.NewDecoder(); err != nil {
			b.Fatal(err)
		}
		if v.enc, err = opus.NewEncoder(encoderConfig); err != nil {
			b.Fatal(err)
		}
		voices[i] = v
	}
	out := make([][maxFrameBytes]byte, participants)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		for k, v := range voices {
			if k < talkers {
				if _, err := v.dec.Decode(v.loop[i%len(v.loop)].payload, v.pcm[:]); err != nil {
					b.Fatal(err)
				}
			} else {
				v.pcm = voices[0].pcm
			}
			v.n, _ = v.enc.Encode(v.pcm[:], v.buf[:])
		}
		for k := range out {
			v := voices[min(k, talkers)]
			copy(out[k][:], v.buf[:v.n])
		}
		i++
	}
}
