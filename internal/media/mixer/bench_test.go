package mixer

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"carillon/internal/media/opus"
)

// busyRoom is a room with n participants of whom some talk.
type busyRoom struct {
	room    *Room
	sources []*Source
	loops   [][]sentPacket
	sent    int
}

// newBusyRoom makes the room; with pauses the talkers make one each second.
func newBusyRoom(t testing.TB, participants, talkers int, pauses bool) *busyRoom {
	b := &busyRoom{room: NewRoom(Config{})}
	for i := range participants {
		source := b.room.AddSource(SourceConfig{})
		b.room.AddSink(SinkConfig{Exclude: []*Source{source}})
		b.sources = append(b.sources, source)
		if i < talkers {
			b.loops = append(b.loops, speechLoop(t, i, pauses))
		}
	}
	for range 100 {
		b.step()
	}
	return b
}

// newStereoRoom makes a room in which music is shared in stereo, one more talks, and some of all listen in stereo.
func newStereoRoom(t testing.TB, participants, inStereo int) *busyRoom {
	b := newBusyRoom(t, participants, 2, false)
	for _, s := range b.room.members.Load().sinks[participants-inStereo:] {
		s.SetFormat(full)
	}
	music := newStereoSender(t, tone(500), tone(1700))
	for i := range b.loops[0] {
		b.loops[0][i] = music.next()
	}
	for range 100 {
		b.step()
	}
	return b
}

// speechLoop makes packets of a speech-like sound that can be sent over and over.
func speechLoop(t testing.TB, voice int, pauses bool) []sentPacket {
	pitch := 110 * (1 + 0.3*float64(voice))
	speech := func(at float64) (v float64) {
		for k := 1.0; k <= 8; k++ {
			v += tone(pitch*k*(1+0.05*tone(2)(at)))(at) / k
		}
		return v
	}
	if pauses {
		speech = words(speech)
	}
	s := newSender(t, speech)
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

var discard = func(*Sink, *Frame) {}

func TestStepDoesNotAllocate(t *testing.T) {
	b := newBusyRoom(t, 20, 3, false)
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step with talkers, want 0", allocs)
	}
	others := b.loops[1:]
	b.loops = [][]sentPacket{speechLoop(t, 0, true)}
	for range 200 {
		b.step() // the buffers grow to what passing on needs
	}
	if passing(b.room) == 0 {
		t.Fatal("no packets are passed on")
	}
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step while packets are passed on, want 0", allocs)
	}
	b.loops = append(b.loops, others...)
	if allocs := testing.AllocsPerRun(100, b.step); allocs != 0 {
		t.Errorf("%v allocations per step when that ends, want 0", allocs)
	}
	b.loops = [][]sentPacket{speechLoop(t, 0, true), speechLoop(t, 1, true)}
	for range 200 {
		b.step()
	}
	if passing(b.room) != 2 {
		t.Fatal("the packets of two are not passed on to each other")
	}
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step while two talk and the others hear a mix, want 0", allocs)
	}
	b.loops = nil
	if allocs := testing.AllocsPerRun(200, b.step); allocs != 0 {
		t.Errorf("%v allocations per step while all fall silent, want 0", allocs)
	}
}

// cpuTime is what the process has used of the processors, in ns: on a machine with other work the clock says little.
func cpuTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return t.Nano()
}

// BenchmarkStep is one step of rooms of different sizes. Those who talk without a pause are mixed; a single one who
// makes pauses is passed on, and so are two of whom each is the only one that the other hears.
func BenchmarkStep(b *testing.B) {
	for _, people := range []int{10, 50, 200} {
		for _, talkers := range []int{0, 1, 3} {
			b.Run(fmt.Sprintf("people=%d/talkers=%d", people, talkers), func(b *testing.B) { benchmarkStep(b, people, talkers, false) })
		}
		b.Run(fmt.Sprintf("people=%d/talkers=1-passed-on", people), func(b *testing.B) { benchmarkStep(b, people, 1, true) })
	}
	for _, people := range []int{2, 3} {
		b.Run(fmt.Sprintf("people=%d/talkers=2-passed-on", people), func(b *testing.B) { benchmarkStep(b, people, 2, true) })
	}
}

// BenchmarkStereo is one step of a room of 50 in which music is shared in stereo and one more talks.
func BenchmarkStereo(b *testing.B) {
	for _, inStereo := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("listeners=%d", inStereo), func(b *testing.B) {
			measureSteps(b, newStereoRoom(b, 50, inStereo), false)
		})
	}
}

func benchmarkStep(b *testing.B, participants, talkers int, pauses bool) {
	measureSteps(b, newBusyRoom(b, participants, talkers, pauses), pauses)
}

func measureSteps(b *testing.B, room *busyRoom, pauses bool) {
	b.ReportAllocs()
	steps, passed, start := 0, 0, cpuTime()
	for b.Loop() {
		room.step()
		steps++
		if passing(room.room) > 0 {
			passed++
		}
	}
	b.ReportMetric(float64(cpuTime()-start)/float64(steps), "cpu-ns/step")
	if pauses != (passed > steps*9/10) && steps > 200 {
		b.Errorf("packets were passed on in %d of %d steps", passed, steps)
	}
}

// BenchmarkLossy is one step of a room of 50 in which three talk, and the lines of some listeners lose packets.
func BenchmarkLossy(b *testing.B) {
	for _, lossy := range []int{0, 1, 10} {
		b.Run(fmt.Sprintf("listeners=%d", lossy), func(b *testing.B) {
			room := newBusyRoom(b, 50, 3, false)
			for _, s := range room.room.members.Load().sinks[50-lossy:] {
				s.SetLossy(true)
			}
			for range patience + 10 {
				room.step()
			}
			measureSteps(b, room, false)
		})
	}
}

// BenchmarkMuted is one step of rooms in which three talk and everybody else sends silence, as muted clients do without DTX.
func BenchmarkMuted(b *testing.B) {
	for _, people := range []int{50, 200} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			room := newBusyRoom(b, people, 3, false)
			silent := newSender(b, silence)
			for range people - 3 {
				p := silent.next()
				p.level = SilentLevel
				room.loops = append(room.loops, []sentPacket{p})
			}
			for range 10 {
				room.step()
			}
			measureSteps(b, room, false)
		})
	}
}

// BenchmarkFloor50 and 200 are what the codec alone costs for the same room, in the same coding: one decode per talker,
// one encode per talker and one for all the others, and a copy of a packet for each sink.
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
		v := &voice{loop: speechLoop(b, i, false)}
		var err error
		if v.dec, err = opus.NewDecoder(1); err != nil {
			b.Fatal(err)
		}
		if v.enc, err = opus.NewEncoder(Format{}.coding(false).encoder()); err != nil {
			b.Fatal(err)
		}
		voices[i] = v
	}
	out := make([][maxFrameBytes]byte, participants)
	i, start := 0, cpuTime()
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
	b.ReportMetric(float64(cpuTime()-start)/float64(i), "cpu-ns/step")
}
