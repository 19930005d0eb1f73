package mixer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// glide is a sound in which every 20 ms differs from the next.
func glide(at float64) float64 {
	return tone(200)(at)*0.5 + tone(300)(at*(1+0.1*at))*0.5
}

// room1 is a room with one source and one listener.
func room1(t *testing.T) (*Room, *Source, *listener) {
	t.Helper()
	r, l := NewRoom(Config{}), newListener(t)
	r.AddSink(SinkConfig{Owner: l})
	return r, r.AddSource(SourceConfig{}), l
}

// makePackets makes n packets of the glide; start may change the first header.
func makePackets(t *testing.T, n int, start func(*rtp.Header)) []sentPacket {
	t.Helper()
	s := newSender(t, glide)
	if start != nil {
		start(&s.header)
	}
	packets := make([]sentPacket, n)
	for i := range packets {
		packets[i] = s.next()
	}
	return packets
}

// play gives the room arrivals[i] before step i and returns what the listener hears.
func play(t *testing.T, arrivals [][]sentPacket) *listener {
	t.Helper()
	r, source, l := room1(t)
	for _, packets := range arrivals {
		push(source, packets...)
		step(t, r)
	}
	return l
}

// onTime has each packet arrive in its own step.
func onTime(packets []sentPacket) [][]sentPacket {
	arrivals := make([][]sentPacket, len(packets))
	for i, p := range packets {
		arrivals[i] = []sentPacket{p}
	}
	return arrivals
}

func wantSame(t *testing.T, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("sample %d (frame %d) is %v, want %v", i, i/opus.FrameSamples, got[i], want[i])
		}
	}
}

func TestReorderingWithinTheDelayIsInvisible(t *testing.T) {
	packets := makePackets(t, 200, nil)
	want := play(t, onTime(packets))
	arrivals := onTime(packets)
	for i := 10; i+1 < len(arrivals); i += 3 { // also duplicates
		arrivals[i], arrivals[i+1] = nil, []sentPacket{packets[i+1], packets[i], packets[i+1]}
	}
	wantSame(t, play(t, arrivals).pcm, want.pcm)

	t.Run("first packets", func(t *testing.T) {
		arrivals := onTime(packets)
		arrivals[0], arrivals[1] = arrivals[1], arrivals[0]
		wantSame(t, play(t, arrivals).pcm, want.pcm)
	})
}

func TestWraparoundIsInvisible(t *testing.T) {
	want := play(t, onTime(makePackets(t, 300, nil)))
	got := play(t, onTime(makePackets(t, 300, func(h *rtp.Header) {
		h.SequenceNumber = 65536 - 150
		h.Timestamp = 1<<32 - 100*opus.FrameSamples
	})))
	wantSame(t, got.pcm, want.pcm)
}

func TestLossIsRepaired(t *testing.T) {
	packets := makePackets(t, 1000, nil)
	whole := play(t, onTime(packets)).pcm
	rng := rand.New(rand.NewPCG(1, 2))
	arrivals := onTime(packets)
	gone := 0
	for i := 20; i < len(arrivals); i++ {
		// Single losses only, hence a ninth to make a tenth: longer gaps are for concealment, tested below.
		if arrivals[i-1] != nil && rng.IntN(9) == 0 {
			arrivals[i] = nil
			gone++
		}
	}
	if gone < len(packets)*9/100 || gone > len(packets)*11/100 {
		t.Fatalf("%d of %d packets lost, want about a tenth", gone, len(packets))
	}
	lossy := play(t, arrivals).pcm
	skip := 50 * opus.FrameSamples
	var noise, signal float64
	for i := skip; i < len(whole); i++ {
		d := float64(lossy[i] - whole[i])
		noise += d * d
		signal += float64(whole[i]) * float64(whole[i])
	}
	t.Logf("error %.1f %% of the signal's energy", 100*noise/signal)
	if noise > 0.1*signal {
		t.Errorf("10 %% loss leaves an error of %.0f %% of the signal's energy, want below 10 %%", 100*noise/signal)
	}
	if low := weakest(lossy[skip:]); low < 0.5*weakest(whole[skip:]) {
		t.Errorf("weakest 20 ms has loudness %.4f, without loss %.4f", low, weakest(whole[skip:]))
	}
}

func TestBurstLossIsConcealedThenSilent(t *testing.T) {
	packets := makePackets(t, 200, nil)
	arrivals := onTime(packets)
	for i := 100; i < 115; i++ { // 300 ms, within the slots
		arrivals[i] = nil
	}
	l := play(t, arrivals)
	frame := func(i int) float64 { return rms(l.pcm[i*opus.FrameSamples : (i+1)*opus.FrameSamples]) }
	if frame(102) < 0.02 {
		t.Errorf("loudness %.4f in the first lost frame, want it concealed", frame(102))
	}
	if frame(113) > 0.005 {
		t.Errorf("loudness %.4f after 200 ms of loss, want silence", frame(113))
	}
	if got := rms(l.last(1)); got < 0.07 {
		t.Errorf("loudness %.4f after the loss", got)
	}
}

// TestLatePacketsLengthenTheDelay delays every tenth packet by 60 ms. At first these come too late and
// are concealed; then the delay has grown and they are played.
func TestLatePacketsLengthenTheDelay(t *testing.T) {
	s := newSender(t, bursts(tone(440), 1)) // with pauses, in which the delay can change
	var packets []sentPacket
	for range 3000 {
		packets = append(packets, s.next())
	}
	arrivals := make([][]sentPacket, len(packets))
	for i, p := range packets {
		at := i
		if i%10 == 0 {
			at = min(i+3, len(packets)-1)
		}
		arrivals[at] = append(arrivals[at], p)
	}
	r, source, _ := room1(t)
	concealed := make([]int, 4) // by quarters
	for i, a := range arrivals {
		push(source, a...)
		before := source.conceal
		step(t, r)
		if source.conceal > before {
			concealed[i*4/len(arrivals)]++
		}
		if d := source.queue.depth(); d > maxDelay {
			t.Fatalf("delay of %d samples, want at most %d", d, maxDelay)
		}
	}
	t.Logf("frames concealed by quarters: %v; delay at the end %d ms", concealed, source.queue.depth()/48)
	if concealed[3] > concealed[0]/4 {
		t.Errorf("%v frames concealed: the delay did not adapt", concealed)
	}
}

// TestJitterBurst holds packets up for 140 ms now and then; after each, nothing may be lost and the
// delay must shrink again.
func TestJitterBurst(t *testing.T) {
	s := newSender(t, bursts(tone(440), 1))
	r, source, _ := room1(t)
	var held []sentPacket
	deepest := 0
	for i := range 3000 {
		held = append(held, s.next())
		if i%1000 < 500 || i%1000 > 506 {
			push(source, held...)
			held = held[:0]
		}
		step(t, r)
		deepest = max(deepest, source.queue.depth())
		if i%1000 == 499 && source.queue.depth() > startDelay+opus.FrameSamples {
			t.Errorf("delay of %d ms, 10 s after the last burst", source.queue.depth()/48)
		}
	}
	if deepest > maxDelay {
		t.Errorf("delay of %d ms", deepest/48)
	}
}

func TestClockDrift(t *testing.T) {
	const steps = 8 * 60 * 50 // 8 minutes, in which 480 ms come too much or too little
	sounds := map[string]sound{"speech": bursts(tone(440), 2), "music": tone(440)}
	for name, sound := range sounds {
		for _, drift := range []int{+1, -1} {
			t.Run(fmt.Sprintf("%s %+d permille", name, drift), func(t *testing.T) {
				// The period of the sounds is 50 or 100 frames, so these packets can be sent again and
				// again; without sinks nothing is encoded either, so the test is quick.
				s := newSender(t, sound)
				loop := make([]sentPacket, 200)
				for i := range loop {
					loop[i] = s.next()
				}
				r := NewRoom(Config{})
				source := r.AddSource(SourceConfig{})
				sent, deepest, missing, talk := 0, 0, 0, 0
				for i := range steps {
					for due := 1 + i + drift*i/1000; sent < due; sent++ {
						p := loop[sent%len(loop)]
						p.header.SequenceNumber = uint16(sent)
						p.header.Timestamp = uint32(sent) * opus.FrameSamples
						push(source, p)
					}
					before := source.conceal
					r.Step(nil)
					if source.conceal > before {
						missing++
					}
					if source.taken > 0 && source.hang > 0 {
						talk++
					}
					deepest = max(deepest, source.queue.depth())
				}
				t.Logf("delay at most %d ms, at the end %d ms; %d frames concealed, %d talking", deepest/48, source.queue.depth()/48, missing, talk)
				if deepest > startDelay+(urgent+2)*opus.FrameSamples {
					t.Errorf("delay grew to %d ms", deepest/48)
				}
				// If the sender is slow, 24 frames are missing; each time the queue runs empty, up to two are
				// made up while it fills.
				if drift > 0 && missing > 0 || missing > 60 {
					t.Errorf("%d frames concealed", missing)
				}
				if name == "music" && talk < steps-200 {
					t.Errorf("talked in %d of %d frames", talk, steps)
				}
			})
		}
	}
}

func TestOtherPacketDurations(t *testing.T) {
	for _, c := range []struct{ ms, channels int }{{10, 1}, {40, 1}, {60, 1}, {20, 2}, {60, 2}} {
		t.Run(fmt.Sprintf("%d ms, %d channels", c.ms, c.channels), func(t *testing.T) {
			r, source, l := room1(t)
			s := newSenderOf(t, tone(440), c.ms*48, c.channels)
			for i := range 300 {
				for s.at < (i+1)*opus.FrameSamples {
					push(source, s.next())
				}
				step(t, r)
			}
			wantTone(t, "listener", l.last(2), 440, true)
			if low := weakest(l.last(4)); low < 0.1 {
				t.Errorf("weakest 20 ms has loudness %.4f: the stream has gaps", low)
			}
		})
	}
}

func TestUnknownLevelIsDecodedAndMeasured(t *testing.T) {
	r, source, l := room1(t)
	s := newSender(t, bursts(tone(440), 4))
	s.unknown = true
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	wantTone(t, "listener", l.last(1), 440, true)
	if got := source.Level(); got < 14 || got > 20 { // 0.2 peak is -17 dBov
		t.Errorf("level %d, want 17", got)
	}
	for range 60 {
		push(source, s.next())
		step(t, r)
	}
	if got := source.Level(); got != SilentLevel {
		t.Errorf("level %d after a second of silence", got)
	}
	if r.talkers.talks(source) {
		t.Error("the silent source still counts as a talker")
	}
}

func TestSilentSourcesAreNotDecoded(t *testing.T) {
	r, source, _ := room1(t)
	s := newSender(t, func(float64) float64 { return 0 })
	for range 500 {
		push(source, s.next())
		step(t, r)
	}
	if source.dec != nil || source.pcm.mid != nil {
		t.Error("a source that never spoke has been decoded")
	}
}

// TestOnsetIsClean has a source hiss after a long silence, in which it was not decoded. The decoder
// starts in mid-stream, and still its first frames must be like those of one that decoded everything.
func TestOnsetIsClean(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	s := newSender(t, func(at float64) float64 {
		noise := rng.Float64() - 0.5
		if at < 2 {
			return 0.0002 * noise
		}
		return 0.05 * noise
	})
	r := NewRoom(Config{})
	thrifty, thorough := r.AddSource(SourceConfig{}), r.AddSource(SourceConfig{})
	for range 100 {
		p := s.next()
		push(thrifty, p)
		p.level = UnknownLevel
		push(thorough, p)
		r.Step(nil)
	}
	if thrifty.dec != nil {
		t.Fatal("the silence was decoded: nothing is tested")
	}
	for i := range 10 {
		p := s.next()
		push(thrifty, p)
		p.level = UnknownLevel
		push(thorough, p)
		r.Step(nil)
		if i == 0 {
			continue // the queue's delay
		}
		if !r.talkers.talks(thrifty) {
			t.Fatalf("frame %d is not heard", i)
		}
		want, diff := thorough.frame(false), make([]float32, opus.FrameSamples)
		for k := range diff {
			diff[k] = thrifty.frame(false)[k] - want[k]
		}
		if rms(diff) > 0.2*rms(want) {
			t.Errorf("frame %d is off by %.4f of %.4f", i, rms(diff), rms(want))
		}
	}
}

func TestReconnect(t *testing.T) {
	for name, change := range map[string]func(*rtp.Header){
		"other SSRC":              func(h *rtp.Header) { h.SSRC = 2; h.SequenceNumber = 40000; h.Timestamp = 7 },
		"other SSRC, next number": func(h *rtp.Header) { h.SSRC = 2 },
		"same SSRC, back":         func(h *rtp.Header) { h.SequenceNumber -= 20000 },
		"same SSRC, forward":      func(h *rtp.Header) { h.SequenceNumber += 20000 },
		"other timestamp":         func(h *rtp.Header) { h.Timestamp += 1 << 31 },
	} {
		t.Run(name, func(t *testing.T) {
			r, source, l := room1(t)
			s := newSender(t, tone(440))
			for range 100 {
				push(source, s.next())
				step(t, r)
			}
			old := s.next()
			next := newSender(t, tone(660))
			next.header = s.header
			change(&next.header)
			for i := range 100 {
				push(source, next.next())
				if i == 4 {
					push(source, old) // a straggler must not throw the new stream back
				}
				step(t, r)
			}
			wantTone(t, "listener", l.last(1.8), 660, true)
			if low := weakest(l.last(1.8)); low < 0.1 {
				t.Errorf("weakest 20 ms has loudness %.4f: the stream has gaps", low)
			}
		})
	}
}

func TestPauseInSending(t *testing.T) {
	r, source, l := room1(t)
	s := newSender(t, tone(440))
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	for range 100 { // sends nothing
		s.header.Timestamp += opus.FrameSamples
		step(t, r)
	}
	if got := rms(l.last(1)); got > 1e-3 {
		t.Errorf("loudness %.5f while nothing is sent", got)
	}
	if got := source.Level(); got != SilentLevel {
		t.Errorf("level %d while nothing is sent", got)
	}
	for range 100 {
		push(source, s.next())
		step(t, r)
	}
	wantTone(t, "listener", l.last(1.8), 440, true)
}

// TestNobodyPushes covers the queue before its first packet.
func TestNobodyPushes(t *testing.T) {
	r, source, l := room1(t)
	for range 100 {
		step(t, r)
	}
	if source.Level() != SilentLevel || rms(l.pcm) > 1e-4 {
		t.Errorf("level %d, loudness %v", source.Level(), rms(l.pcm))
	}
}
