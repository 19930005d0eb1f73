package forwarder

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/bwe"
	mediartp "carillon/internal/media/rtp"
)

// narrow makes a receiver that says how little it can take.
func narrow(bps float32, edit ...func(*DownConfig)) *receiver {
	r := newReceiver(append(edit, func(c *DownConfig) { c.AbsSendTimeExt, c.TWCCExt = outTimeExt, outTWCCExt })...)
	r.down.takeREMB(bps, 0)
	return r
}

// large makes the packets of the next frame as long as a camera's.
func (s *sender) large(key bool, n int) []rtp.Packet {
	packets := s.frame(key, n)
	for i := range packets {
		end := len(packets[i].Payload) - 8
		filler := make([]byte, 1000)
		packets[i].Payload = append(packets[i].Payload[:end:end], append(filler, packets[i].Payload[end:]...)...)
	}
	return packets
}

// pace lets time go by in the steps of the pacing.
func (r *receiver) pace(s *sender, ms5 int) {
	for range ms5 {
		s.now += 5 * ms
		r.down.Pace(nil, s.now)
	}
}

// transportNumber is the transport-wide sequence number of a packet.
func transportNumber(t *testing.T, p *rtp.Packet) uint16 {
	t.Helper()
	ext := p.GetExtension(outTWCCExt)
	if len(ext) != 2 {
		t.Fatalf("packet %d of %#x has no transport-wide number", p.SequenceNumber, p.SSRC)
	}
	return binary.BigEndian.Uint16(ext)
}

// A burst leaves bit by bit, in order and complete, with the time of leaving in each packet.
func TestBurstIsPaced(t *testing.T) {
	s, r := newSender(100), narrow(1_000_000)
	r.d.SetSource(s.track)
	burst := s.large(true, 30) // 30 kB: 160 ms at the pace of 1.5 Mbit/s
	s.send(burst...)
	first := r.out.take()
	if len(first) == 0 || len(first) > 10 {
		t.Fatalf("%d packets of %d left at once", len(first), len(burst))
	}
	var audio rtp.Header
	sequence := make([]byte, 2)
	if err := audio.SetExtension(outTWCCExt, sequence); err != nil {
		t.Fatal(err)
	}
	if err := r.down.SendAudio(nil, &audio, sequence, []byte{1}, s.now); err != nil {
		t.Fatal(err)
	}
	if got := r.out.take(); len(got) != 1 || got[0].SSRC != 0 {
		t.Fatalf("audio waits: %v", got)
	}
	start := s.now
	var got []rtp.Packet
	for len(first)+len(got) < len(burst) {
		r.pace(s, 1)
		got = append(got, r.out.take()...)
		if s.now-start > 1000*ms {
			t.Fatalf("after 1 s %d of %d packets have left", len(first)+len(got), len(burst))
		}
	}
	if took := s.now - start; took < 100*ms {
		t.Errorf("the burst left within %d ms", took/ms)
	}
	times := map[string]bool{}
	for i, p := range append(first, got...) {
		if tail(p.Payload) != tail(burst[i].Payload) || p.SequenceNumber != first[0].SequenceNumber+uint16(i) {
			t.Fatalf("packet %d: number %d", i, p.SequenceNumber)
		}
		want := uint16(i)
		if i >= len(first) {
			want++ // audio took one
			times[string(p.GetExtension(outTimeExt))] = true
		}
		if n := transportNumber(t, &p); n != want {
			t.Errorf("packet %d has the transport-wide number %d", i, n)
		}
	}
	if len(times) < 10 {
		t.Errorf("the packets claim %d times of leaving", len(times))
	}
}

// What a narrow line cannot take is dropped by frames, goes on with a key frame, leaves no gap but those that were
// queued already, and is not sent on demand either.
func TestOverloadIsDropped(t *testing.T) {
	s, r := newSender(100), narrow(300_000)
	r.d.SetSource(s.track)
	s.send(s.large(true, 4)...)
	var got []rtp.Packet
	sent, asked := 4, 0
	for range 300 { // 10 s of 2.5 Mbit/s
		key := s.track.wantsKey.Load()
		if key {
			asked++
		}
		s.send(s.large(key, 10)...)
		sent += 10
		r.pace(s, 6)
		s.now -= 30 * ms // frame adds the time
		got = append(got, r.out.take()...)
	}
	if len(got) == 0 || len(got) > sent/3 {
		t.Errorf("%d of %d packets went through a line of an eighth of their rate", len(got), sent)
	}
	if asked == 0 {
		t.Error("no key frame was asked for")
	}
	numbers := map[uint16]bool{}
	for i, p := range got {
		numbers[p.SequenceNumber] = true
		if i > 0 && int16(p.SequenceNumber-got[i-1].SequenceNumber) <= 0 {
			t.Fatalf("number %d after %d", p.SequenceNumber, got[i-1].SequenceNumber)
		}
		if waited := s.timestamp - p.Timestamp; i == len(got)-1 && int32(waited) > 90_000 {
			t.Errorf("the last packet is %d ms old", waited/90)
		}
	}
	last := got[len(got)-1].SequenceNumber
	var dropped []uint16
	for n := got[0].SequenceNumber; n != last; n++ {
		if !numbers[n] && last-n < holeBits {
			dropped = append(dropped, n)
		}
	}
	if len(dropped) == 0 {
		t.Fatal("nothing that had a number was dropped")
	}
	s.now += 1000 * ms
	r.feedback(t, s.now, nack(dropped...))
	r.pace(s, 20)
	for _, p := range r.out.take() {
		if p.SSRC == outSSRC+1 {
			t.Errorf("number %d was dropped and is sent on demand", binary.BigEndian.Uint16(p.Payload))
		}
	}
}

// However packets are queued, dropped, repeated and padded, nothing is protected twice under one number unless it is the
// same to the bit, and the numbers of a stream leave in order.
func TestNumbersAreUsedOnce(t *testing.T) {
	for seed := range uint64(30) {
		rnd := rand.New(rand.NewPCG(seed, 9))
		withRTX := seed%2 == 0
		s, r := newSender(100), narrow(400_000, func(c *DownConfig) {
			if !withRTX {
				c.RTXSSRC = 0
			}
		})
		r.d.SetSource(s.track)
		seen := map[uint64][]byte{}
		var twcc mediartp.TWCC
		var newest [2]uint16
		var had [2]bool
		for step := range 600 {
			s.send(s.large(step == 0 || rnd.IntN(20) == 0, 1+rnd.IntN(6))...)
			r.pace(s, rnd.IntN(7))
			r.down.SetDemand(bwe.Plan{Least: 100_000, Next: 5_000_000, All: 5_000_000})
			for _, p := range r.out.take() {
				raw, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				id := uint64(p.SSRC)<<16 | uint64(p.SequenceNumber)
				if before, twice := seen[id]; twice && !bytes.Equal(before, raw) {
					t.Fatalf("seed %d: %#x %d was sent twice, not the same", seed, p.SSRC, p.SequenceNumber)
				} else if twice && withRTX {
					t.Fatalf("seed %d: %#x %d was sent twice", seed, p.SSRC, p.SequenceNumber)
				}
				seen[id] = raw
				k := p.SSRC - outSSRC
				if had[k] && withRTX && int16(p.SequenceNumber-newest[k]) <= 0 {
					t.Fatalf("seed %d: %#x %d after %d", seed, p.SSRC, p.SequenceNumber, newest[k])
				}
				newest[k], had[k] = p.SequenceNumber, true
				if withRTX {
					if rnd.IntN(10) > 0 {
						twcc.Record(transportNumber(t, &p), s.now)
					}
				} else if p.GetExtension(outTWCCExt) != nil {
					t.Fatal("a packet that may be repeated tells one time from another")
				}
			}
			switch rnd.IntN(4) {
			case 0:
				r.feedback(t, s.now, nack(newest[0]-uint16(rnd.IntN(30)), newest[0]-uint16(rnd.IntN(30))))
			case 1:
				for twcc.Pending() {
					r.down.HandleRTCP(nil, twcc.AppendFeedback(nil, 1, 2), s.now)
				}
			case 2:
				if rnd.IntN(20) == 0 {
					r.d.SetPaused(true)
					r.d.SetPaused(false)
				}
			}
		}
		if !had[0] || withRTX && !had[1] {
			t.Fatalf("seed %d: streams %v", seed, had)
		}
	}
}

// A probe is padding on the retransmission stream, which tells of a line that holds more.
func TestProbeRaisesTheEstimate(t *testing.T) {
	s := newSender(100)
	r := newReceiver(func(c *DownConfig) { c.AbsSendTimeExt, c.TWCCExt = outTimeExt, outTWCCExt })
	r.down = NewDownstream(DownstreamConfig{Writer: r.out}) // one that has not said what it can take
	r.down.Add(r.d)
	r.d.SetSource(s.track)
	s.send(s.large(true, 4)...)
	var twcc mediartp.TWCC
	padding := 0
	for range 100 {
		s.send(s.large(false, 2)...)
		r.down.SetDemand(bwe.Plan{Least: 100_000, Next: 4_000_000, All: 4_000_000})
		r.down.Tick(nil, s.now)
		r.pace(s, 6)
		s.now -= 30 * ms
		for _, p := range r.out.take() {
			if p.SSRC == outSSRC+1 {
				padding++
				if !p.Padding || len(p.Payload) != 0 || p.PayloadType != outRTX {
					t.Fatalf("no padding: %v", p)
				}
			}
			twcc.Record(transportNumber(t, &p), s.now)
		}
		for twcc.Pending() {
			r.down.HandleRTCP(nil, twcc.AppendFeedback(nil, 1, 2), s.now+20*ms)
		}
	}
	bps, reported := r.down.Estimate()
	if !reported || bps < 3_000_000 || padding == 0 {
		t.Errorf("after %d packets of padding the estimate is %d", padding, bps)
	}
}

// Queueing and leaving cost no allocation once the queue has grown.
func TestPacingDoesNotAllocate(t *testing.T) {
	s, r := newSender(100), narrow(200_000)
	out := &sink{}
	r.down.cfg.Writer = out
	r.d.SetSource(s.track)
	s.send(s.large(true, 2)...)
	packets := s.large(false, 4)
	var payloads [][]byte
	waited := 0
	for i := range packets {
		payloads = append(payloads, bytes.Clone(packets[i].Payload))
	}
	run := func() {
		for i := range packets {
			p := &packets[i]
			s.seq++
			p.SequenceNumber, p.Timestamp = s.seq, s.timestamp
			s.up.HandleRTP(nil, &p.Header, payloads[i], s.now)
		}
		if r.down.pace.control.Waiting() {
			waited++
		}
		s.timestamp += 9000
		r.pace(s, 20)
	}
	for range maxSlots {
		run()
	}
	before := out.n
	waited = 0
	if n := testing.AllocsPerRun(300, run); n != 0 {
		t.Errorf("%v allocations for each frame", n)
	}
	if out.n-before < 900 || waited < 250 {
		t.Errorf("only %d packets left, and only %d times one waited", out.n-before, waited)
	}
}
