package forwarder

import (
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"
)

// TestSourceSwitchesStayContinuous moves a receiver at random between three sources with loss and
// reordering. Whatever happens, the receiver must see one stream: unique numbers that grow by the packets
// that really were sent in between, timestamps and picture ids that grow with them, and a key frame at
// every join.
func TestSourceSwitchesStayContinuous(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		senders := []*sender{newSender(100), newSender(200), newSender(300)}
		for _, s := range senders {
			s.seq = uint16(rnd.Uint32())
			s.timestamp, s.pictureID, s.tl0 = rnd.Uint32(), uint16(rnd.Uint32N(1<<15)), uint8(rnd.Uint32())
		}
		r := newReceiver()
		shown := -1
		var got []rtp.Packet
		losses := 0
		for step := range 600 {
			if rnd.IntN(40) == 0 || shown < 0 {
				shown = rnd.IntN(len(senders))
				r.d.SetSource(senders[shown].track)
			}
			if rnd.IntN(100) == 0 {
				r.d.SetPaused(true)
				r.d.SetPaused(false)
			}
			for k, s := range senders {
				f := s.frame(step%15 == 0, 1+rnd.IntN(4))
				if i := rnd.IntN(len(f) * 8); i < len(f) && i > 0 { // not the first: it may be the key frame's
					f = append(f[:i:i], f[i+1:]...)
					if k == shown {
						losses++
					}
				}
				if len(f) > 1 && rnd.IntN(4) == 0 {
					i := 1 + rnd.IntN(len(f)-1)
					j := 1 + rnd.IntN(len(f)-1)
					f[i], f[j] = f[j], f[i]
				}
				s.send(f...)
			}
			got = append(got, r.out.take()...)
		}
		checkContinuous(t, seed, got)
		if gaps := numbersOf(got) - len(got); gaps > losses || gaps < losses/4 {
			t.Fatalf("seed %d: %d gaps, %d packets were lost", seed, gaps, losses)
		}
	}
}

// numbersOf is how many numbers the packets span.
func numbersOf(got []rtp.Packet) int {
	highest := int64(0)
	for _, p := range got {
		highest = max(highest, highest+int64(int16(p.SequenceNumber-got[0].SequenceNumber-uint16(highest))))
	}
	return int(highest) + 1
}

func checkContinuous(t *testing.T, seed uint64, got []rtp.Packet) {
	t.Helper()
	if len(got) < 500 {
		t.Fatalf("seed %d: only %d packets", seed, len(got))
	}
	type ids struct {
		timestamp uint32
		id        uint16
		tl0       uint8
	}
	newest := got[0]
	id, tl0 := vp8IDs(t, newest.Payload)
	last := ids{newest.Timestamp, id, tl0}
	seen := map[uint16]bool{newest.SequenceNumber: true}
	for _, p := range got[1:] {
		step := int16(p.SequenceNumber - newest.SequenceNumber)
		if step > 6 || step < -8 {
			t.Fatalf("seed %d: number %d after %d", seed, p.SequenceNumber, newest.SequenceNumber)
		}
		if seen[p.SequenceNumber] {
			t.Fatalf("seed %d: number %d twice", seed, p.SequenceNumber)
		}
		seen[p.SequenceNumber] = true
		if step < 0 {
			continue
		}
		id, tl0 := vp8IDs(t, p.Payload)
		now := ids{p.Timestamp, id, tl0}
		sameSource := tail(p.Payload)[:4] == tail(newest.Payload)[:4]
		ticks := int32(now.timestamp - last.timestamp)
		pictures := (id - last.id) & 0x7fff
		switch {
		case ticks == 0 && (id != last.id || tl0 != last.tl0):
			t.Fatalf("seed %d: one frame, two ids: %v, %v", seed, last, now)
		case ticks < 0 || ticks > 40*3000:
			t.Fatalf("seed %d: timestamp advances by %d", seed, ticks)
		case pictures > 1 && sameSource && ticks == 3000, pictures > 1 && !sameSource:
			t.Fatalf("seed %d: picture id advances by %d", seed, pictures)
		case pictures == 1 && tl0 != last.tl0+1:
			t.Fatalf("seed %d: TL0PICIDX %d after %d", seed, tl0, last.tl0)
		case !sameSource && p.Payload[6]&1 != 0:
			t.Fatalf("seed %d: a source begins without a key frame", seed)
		}
		newest, last = p, now
	}
}

func TestAJumpOfTheSourceIsHidden(t *testing.T) {
	s, r := newSender(100), newReceiver()
	r.d.SetSource(s.track)
	s.send(s.frame(true, 2)...)
	s.seq += 5000
	s.timestamp += 1 << 30
	s.send(s.frame(false, 2)...)
	s.send(s.frame(true, 2)...)
	s.seq -= 20000
	s.send(s.frame(true, 2)...) // the first of them is a stray
	s.send(s.frame(true, 2)...)
	got := r.out.take()
	for i, p := range got {
		if p.SequenceNumber != got[0].SequenceNumber+uint16(i) {
			t.Errorf("packet %d has number %d, the first %d", i, p.SequenceNumber, got[0].SequenceNumber)
		}
		if ahead := p.Timestamp - got[0].Timestamp; ahead > 10*3000 {
			t.Errorf("packet %d is %d ticks ahead", i, ahead)
		}
	}
	if len(got) != 6 {
		t.Errorf("%d packets, want 6", len(got))
	}
}
