package mixer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// lossyLine loses packets, and holds some up so that they come in another order.
type lossyLine struct {
	rng    *rand.Rand
	loss   float64
	to     *Source
	held   []func() // to arrive one step later
	copies int      // earlier packets in each packet
}

func newLine(seed uint64, loss float64, copies int, to *Source) *lossyLine {
	return &lossyLine{rng: rand.New(rand.NewPCG(seed, 99)), loss: loss, copies: copies, to: to}
}

// send sends a packet with copies of those before it, the last one first.
func (l *lossyLine) send(h rtp.Header, payload []byte, level uint8, earlier ...[]byte) {
	late := l.held
	l.held = nil
	if l.rng.Float64() >= l.loss {
		var repeated [][]byte
		for _, e := range earlier[:min(l.copies, len(earlier))] {
			repeated = append(repeated, append([]byte(nil), e...))
		}
		payload = append([]byte(nil), payload...)
		arrive := func() {
			l.to.Push(&h, payload, level)
			for i, e := range repeated {
				l.to.PushRedundant(&h, (i+1)*opus.FrameSamples, e, level)
			}
		}
		if l.rng.IntN(20) == 0 {
			l.held = append(l.held, arrive)
		} else {
			arrive()
		}
	}
	for _, arrive := range late {
		arrive()
	}
}

// TestLossOnBothWays has somebody talk for half a minute over a bad line to the server, and another listen to the server
// over a line as bad. The listener's jitter buffer is a second room. Every 20th packet also overtakes its successor.
func TestLossOnBothWays(t *testing.T) {
	for _, c := range []struct {
		loss   float64
		copies int
		most   float64 // of what is missing at the listener, both lines together
	}{
		{0.05, 0, 0.08}, {0.05, 1, 0.02}, {0.20, 2, 0.10}, {0, 0, 0},
	} {
		t.Run(fmt.Sprintf("loss %v, %d copies", c.loss, c.copies), func(t *testing.T) {
			server, client := NewRoom(Config{}), NewRoom(Config{})
			up := newLine(1, c.loss, c.copies, server.AddSource(SourceConfig{}))
			down := newLine(2, c.loss, c.copies, client.AddSource(SourceConfig{}))
			server.AddSink(SinkConfig{}).SetLossy(c.loss > 0)
			l := newListener(t)
			client.AddSink(SinkConfig{Owner: l})
			s := newSender(t, words(voice(140)))
			header := rtp.Header{SSRC: 5, SequenceNumber: 65000, Timestamp: 1 << 31}
			var before [2][]byte
			for range 30 * 50 {
				p := s.next()
				up.send(p.header, p.payload, p.level, before[0], before[1])
				before = [2][]byte{p.payload, before[0]}
				server.Step(func(_ *Sink, f *Frame) {
					header.SequenceNumber++
					header.Timestamp += opus.FrameSamples
					down.send(header, f.Packet, UnknownLevel, f.Earlier[:]...)
				})
				step(t, client)
			}
			upPlayed, upMissing := up.to.Played()
			downPlayed, downMissing := down.to.Played()
			if upPlayed < 1400*opus.FrameSamples || downPlayed < 1400*opus.FrameSamples {
				t.Fatalf("%d and %d samples played", upPlayed, downPlayed)
			}
			a, b := float64(upMissing)/float64(upPlayed), float64(downMissing)/float64(downPlayed)
			t.Logf("missing: %.2f %% on the way up, %.2f %% on the way down", 100*a, 100*b)
			if a+b > c.most {
				t.Errorf("%.2f %% are missing, want at most %.0f %%", 100*(a+b), 100*c.most)
			}
		})
	}
}

// What is repeated is exactly what was lost: with one copy, single losses change nothing at all.
func TestRedundancyRestoresThePackets(t *testing.T) {
	packets := makePackets(t, 300, nil)
	want := play(t, onTime(packets)).pcm
	r, source, l := room1(t)
	for i, p := range packets {
		if i < 10 || i%3 != 0 {
			push(source, p)
			if i > 0 {
				source.PushRedundant(&p.header, opus.FrameSamples, packets[i-1].payload, p.level)
			}
		}
		step(t, r)
	}
	wantSame(t, l.pcm, want)
	if _, missing := source.Played(); missing != 0 {
		t.Errorf("%d samples are missing", missing)
	}
}

// Copies that come three packets later need a longer delay, which the queue takes in the next pause.
func TestDelayFollowsDistantCopies(t *testing.T) {
	r, source, _ := room1(t)
	s := newSender(t, words(voice(140)))
	var sent []sentPacket
	var early, late uint64
	for i := range 40 * 50 {
		sent = append(sent, s.next())
		if i%11 != 5 {
			push(source, sent[i])
			if i >= 3 {
				source.PushRedundant(&sent[i].header, 3*opus.FrameSamples, sent[i-3].payload, sent[i].level)
			}
		}
		step(t, r)
		_, missing := source.Played()
		if i == 500 {
			early = missing
		}
		if i == 1500 {
			late = missing
		}
	}
	_, end := source.Played()
	t.Logf("%d, %d and %d frames are missing after 10, 30 and 40 s", early/960, late/960, end/960)
	if end != late {
		t.Errorf("%d frames are missing in the last 10 s", (end-late)/opus.FrameSamples)
	}
}

func TestRedundancyThatMakesNoSense(t *testing.T) {
	r, source, l := room1(t)
	s := newSender(t, tone(440))
	for i := range 100 {
		p := s.next()
		stranger := p.header
		stranger.SSRC++
		source.PushRedundant(&stranger, opus.FrameSamples, p.payload, 10)
		push(source, p)
		for _, back := range []int{0, -960, 1, 959, 961, 960 * 31, 960 * 32, 1 << 20} {
			source.PushRedundant(&p.header, back, p.payload, 10)
		}
		source.PushRedundant(&p.header, 960, nil, 10)
		source.PushRedundant(&p.header, 960, []byte{255}, 255)
		if i > 50 {
			later := p.header
			later.SequenceNumber += 20
			source.PushRedundant(&later, 960, p.payload, 10) // of a packet that never came
		}
		step(t, r)
	}
	wantTone(t, "listener", l.last(1), 440, true)
	if _, missing := source.Played(); missing != 0 {
		t.Errorf("%d samples are missing", missing)
	}
}
