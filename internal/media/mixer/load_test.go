package mixer

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// TestJoinsAndLeaves changes everything all the time in one goroutine and checks that every sink gets
// its frame and that nothing is left behind.
func TestJoinsAndLeaves(t *testing.T) {
	type member struct {
		source *Source
		sink   *Sink
		sender *sender
	}
	r := NewRoom(Config{})
	rng := rand.New(rand.NewPCG(5, 6))
	var members []member
	for range 500 {
		if len(members) < 12 && rng.IntN(4) == 0 {
			m := member{source: r.AddSource(SourceConfig{}), sender: newSender(t, tone(float64(300+50*len(members))))}
			m.sink = r.AddSink(SinkConfig{Exclude: []*Source{m.source}})
			members = append(members, m)
		}
		if len(members) > 0 && rng.IntN(6) == 0 {
			i := rng.IntN(len(members))
			r.RemoveSource(members[i].source)
			r.RemoveSink(members[i].sink)
			r.RemoveSink(members[i].sink) // twice does no harm
			members = append(members[:i], members[i+1:]...)
		}
		for i, m := range members {
			if rng.IntN(10) != 0 {
				push(m.source, m.sender.next())
			}
			m.source.SetMuted(rng.IntN(20) == 0)
			m.sink.SetLossy(rng.IntN(20) == 0)
			if rng.IntN(20) == 0 {
				m.sink.SetExclude([]*Source{m.source, members[rng.IntN(i+1)].source})
			}
		}
		step(t, r)
		if held := int(r.talkers.held); held != 0 && len(members) == 0 {
			t.Fatal("talkers in an empty room")
		}
		if len(r.mixes) > len(members) {
			t.Fatalf("%d mixes for %d sinks", len(r.mixes), len(members))
		}
	}
	for _, m := range members {
		r.RemoveSource(m.source)
		r.RemoveSink(m.sink)
	}
	for range 2 {
		step(t, r)
	}
	if r.talkers.held != 0 || len(r.mixes) != 0 {
		t.Errorf("left behind: talkers %b, %d mixes", r.talkers.held, len(r.mixes))
	}
}

// TestManyGoroutines is for the race detector.
func TestManyGoroutines(t *testing.T) {
	r := NewRoom(Config{})
	s := newSender(t, tone(440))
	packets := make([]sentPacket, 100)
	for i := range packets {
		packets[i] = s.next()
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				source := r.AddSource(SourceConfig{})
				sink := r.AddSink(SinkConfig{Exclude: []*Source{source}})
				for i, p := range packets {
					push(source, p)
					source.SetMuted(i%30 == 29)
					sink.SetLossy(i%40 > 20)
					_ = source.Level()
					runtime.Gosched() // so that steps fall in between
				}
				sink.SetExclude(nil)
				r.RemoveSource(source)
				r.RemoveSink(sink)
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		r.Step(func(s *Sink, f *Frame) {
			if opus.PacketSamples(f.Packet) != opus.FrameSamples {
				t.Errorf("frame %x", f.Packet)
			}
		})
		select {
		case <-done:
			return
		default:
		}
	}
}

// FuzzPush gives a source arbitrary packets, between those of a normal one, and checks that everybody
// still gets a valid frame each step and hears the normal one.
//
// Each packet of the script takes 6 bytes (sequence number, timestamp step, SSRC, level, steps after it)
// and a payload of the length given by the next byte.
func FuzzPush(f *testing.F) {
	f.Add([]byte{0, 1, 4, 0, 20, 1, 3, 0xf8, 0xff, 0xfe, 0, 2, 4, 0, 255, 1, 4, 0x78, 1, 2, 3})
	f.Add([]byte{0, 1, 4, 0, 20, 1, 3, 0xfc, 0xff, 0xfe, 0, 2, 4, 0, 20, 1, 4, 0xfc, 1, 2, 3, 0, 3, 4, 0, 20, 2, 4, 0x78, 1, 2, 3, 0, 4, 4, 0, 20, 1, 2, 0x7c, 9})
	f.Add([]byte{255, 255, 4, 0, 20, 1, 2, 0x0b, 0x83, 0, 0, 4, 0, 20, 3, 1, 0x78, 0, 1, 0, 1, 20, 2, 1, 0xfb})
	sender := newSender(f, tone(440))
	normalPackets := make([]sentPacket, 100) // hold a whole number of periods, so they can go round
	for i := range normalPackets {
		normalPackets[i] = sender.next()
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		r := NewRoom(Config{})
		hostile, normal := r.AddSource(SourceConfig{}), r.AddSource(SourceConfig{})
		l := newListener(t)
		sink := r.AddSink(SinkConfig{Exclude: []*Source{hostile}, Owner: l})
		r.AddSink(SinkConfig{Owner: newListener(t)})
		wide := newStereoListener(t)
		r.AddSink(SinkConfig{Exclude: []*Source{hostile}, Format: full, Owner: wide})
		r.AddSink(SinkConfig{Format: full, Owner: newStereoListener(t)})
		steps := 0
		run := func() {
			p := normalPackets[steps%len(normalPackets)]
			p.header.SequenceNumber = uint16(steps)
			p.header.Timestamp = uint32(steps) * opus.FrameSamples
			push(normal, p)
			sink.SetLossy(steps%9 < 3)
			step(t, r)
			steps++
			if d := hostile.queue.depth(); d < 0 || d > slots*opus.MaxPacketSamples {
				t.Fatalf("depth %d", d)
			}
		}
		var ts uint32
		for len(script) >= 7 && steps < 120 {
			ts += uint32(script[2]) * 240
			h := rtp.Header{
				SequenceNumber: uint16(script[0])<<8 | uint16(script[1]),
				Timestamp:      ts,
				SSRC:           uint32(script[3] & 1),
			}
			level, after, n := script[4], int(script[5]%4), int(script[6])
			script = script[7:]
			n = min(n, len(script))
			hostile.Push(&h, script[:n], level)
			script = script[n:]
			for range after {
				run()
			}
		}
		for steps < 40 {
			run()
		}
		// Whatever the other one does, its own listener hears the normal tone and nothing else.
		wantTone(t, "listener", l.last(0.4), 440, true)
		wantTone(t, "listener in stereo", wide.last(0.4), 440, true)
	})
}

// FuzzQueue checks the order of what the queue gives out: within a stream each packet comes at most
// once, never before one that was sent earlier, and the queue stays within its bounds. The sender pauses before every
// 16th packet, and many are padding. Half of the packets come with copies of two earlier ones.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 1, 10, 1, 1, 1, 0, 0, 2, 1, 0, 3, 1, 2, 255, 0, 1, 0, 1, 0, 1, 200})
	f.Add([]byte("\x00\xec\xecd@\xed\x00\x1700\xfa")) // a copy from a stream that is not played
	f.Add([]byte{1, 1, 1, 1, 40, 9, 9, 9, 250, 250, 7, 7, 7, 7, 7, 1, 0, 100, 1, 1, 100, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		var q queue
		var p popped
		h := rtp.Header{SequenceNumber: 65500}
		payload := []byte{0xf8, 0, 0, 0}
		var epoch uint32
		var last int64 = -1
		sent := map[[3]byte]int64{} // payload to extended sequence number
		var ext int64 = 1 << 20
		for i, b := range script {
			move := int64(int8(b))
			if b > 120 && b < 136 {
				h.SSRC ^= 1
			}
			if move > 60 {
				move *= 400
			}
			ext += move
			h.SequenceNumber = uint16(ext)
			timestamp := func(ext int64) uint32 { return uint32((ext + ext/16*5) * opus.FrameSamples) }
			h.Timestamp = timestamp(ext)
			if b&31 == 9 {
				q.push(&h, nil, b, false)
				continue
			}
			payload[1], payload[2], payload[3] = byte(i), byte(i>>8), 0
			sent[[3]byte(payload[1:])] = ext
			q.push(&h, payload, b, b&3 == 0)
			if b&64 != 0 {
				for _, back := range []int{1 + i%4, 1 + int(b)%40} {
					if h.Timestamp-timestamp(ext-int64(back)) != uint32(back*opus.FrameSamples) {
						continue // copies over pauses are tested elsewhere
					}
					payload[3]++ // a packet of its own
					sent[[3]byte(payload[1:])] = ext - int64(back)
					q.restore(&h, back*opus.FrameSamples, payload, b, b&3 == 0)
				}
			}
			for range int(b) % 4 {
				q.pop(&p, demand{cold: b&4 != 0, quiet: b&8 != 0, again: b&48 == 0})
				if p.epoch != epoch {
					epoch, last = p.epoch, -1
				}
				if p.kind == pause && (p.samples <= 0 || p.samples > opus.FrameSamples) {
					t.Fatalf("a pause of %d samples", p.samples)
				}
				if p.kind == packet {
					at := sent[[3]byte(p.payload[1:])]
					if at <= last {
						t.Fatalf("packet %d after %d", at, last)
					}
					last = at
				}
			}
			if d := q.depth(); d < 0 || d > slots*opus.FrameSamples {
				t.Fatalf("depth %d", d)
			}
		}
	})
}
