package forwarder

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"
)

// TestWhatIsSentCanBeDecoded moves receivers at random between the layers of two encodings, without loss.
// Whatever they are moved to, they get one unbroken stream and never a picture that needs one they lack.
func TestWhatIsSentCanBeDecoded(t *testing.T) {
	for _, st := range schemes() {
		for seed := range uint64(12) {
			rnd := rand.New(rand.NewPCG(seed, 5))
			senders := []*layered{newLayered(st, 100), newLayered(st, 200)}
			for _, l := range senders {
				l.seq, l.timestamp, l.pictureID, l.frame = uint16(rnd.Uint32()), rnd.Uint32(), uint16(rnd.Uint32N(1<<15)), uint16(rnd.Uint32())
			}
			r := newReceiver()
			r.d.SetSource(senders[0].track)
			d := decoder{scheme: st}
			var got []rtp.Packet
			for range 300 {
				if rnd.IntN(8) == 0 {
					r.d.SetLayers(uint8(rnd.IntN(4)), uint8(rnd.IntN(4)))
				}
				if rnd.IntN(20) == 0 {
					r.d.SwitchTo(senders[rnd.IntN(2)].track)
				}
				for _, l := range senders {
					l.send(l.next(rnd.IntN(25) == 0)...)
				}
				got = append(got, r.out.take()...)
			}
			if len(got) < 100 {
				t.Fatalf("%s, seed %d: only %d packets", st.name, seed, len(got))
			}
			for i := range got {
				d.take(t, &got[i])
			}
			checkUnbroken(t, st.name, got)
			checkTime(t, st.name, got)
			if st.kind == vp8PT {
				checkPictureIDs(t, got)
			}
		}
	}
}

// checkTime makes sure that time does not go back and does not jump.
func checkTime(t *testing.T, name string, got []rtp.Packet) {
	t.Helper()
	for i := 1; i < len(got); i++ {
		if step := int32(got[i].Timestamp - got[i-1].Timestamp); step < 0 || step > 60*3000 {
			t.Fatalf("%s: the time advances by %d", name, step)
		}
	}
}

// network loses, repeats and reorders packets.
type network struct {
	rnd  *rand.Rand
	held []rtp.Packet
}

func (n *network) pass(packets []rtp.Packet) (out []rtp.Packet) {
	for _, p := range packets {
		switch n.rnd.IntN(20) {
		case 0: // lost
		case 1: // late
			n.held = append(n.held, p)
		case 2: // twice
			out = append(out, p, p)
		default:
			out = append(out, p)
		}
		if len(n.held) > 0 && n.rnd.IntN(6) == 0 {
			out = append(out, n.held[0])
			n.held = n.held[1:]
		}
	}
	return out
}

// TestRewritingHoldsOnBadNetworks does the same with loss, repetition and reordering. A receiver can then
// lack what it needs, but its numbers must still be those of one stream: none twice, all in reach, and
// each answer to a NACK the same packet that would have come before.
func TestRewritingHoldsOnBadNetworks(t *testing.T) {
	for _, st := range schemes() {
		for seed := range uint64(10) {
			rnd := rand.New(rand.NewPCG(seed, 9))
			senders := []*layered{newLayered(st, 100), newLayered(st, 200)}
			networks := []*network{{rnd: rnd}, {rnd: rnd}}
			r := newReceiver()
			r.d.SetSource(senders[0].track)
			c := continuity{name: st.name, sent: map[uint16]rtp.Packet{}}
			for step := range 400 {
				switch rnd.IntN(30) {
				case 0:
					r.d.SetLayers(uint8(rnd.IntN(4)), uint8(rnd.IntN(4)))
				case 1:
					r.d.SwitchTo(senders[rnd.IntN(2)].track)
				case 2:
					r.d.SetSource(senders[rnd.IntN(2)].track)
				case 3:
					c.repair(t, r, rnd, senders[0].now)
				}
				for i, l := range senders {
					l.send(networks[i].pass(l.next(step%20 == 0))...)
				}
				c.take(t, r.out.take())
			}
			if c.packets < 200 {
				t.Fatalf("%s, seed %d: only %d packets", st.name, seed, c.packets)
			}
		}
	}
}

// continuity checks the numbers of what a receiver gets.
type continuity struct {
	name    string
	sent    map[uint16]rtp.Packet
	highest uint16
	packets int
}

func (c *continuity) take(t *testing.T, got []rtp.Packet) {
	t.Helper()
	for _, p := range got {
		if p.SSRC != outSSRC {
			t.Fatalf("%s: SSRC %x", c.name, p.SSRC)
		}
		if _, twice := c.sent[p.SequenceNumber]; twice {
			t.Fatalf("%s: number %d twice", c.name, p.SequenceNumber)
		}
		if step := int16(p.SequenceNumber - c.highest); c.packets > 0 && (step > 40 || step < -200) {
			t.Fatalf("%s: number %d after %d", c.name, p.SequenceNumber, c.highest)
		} else if step > 0 || c.packets == 0 {
			c.highest = p.SequenceNumber
		}
		c.sent[p.SequenceNumber] = p
		c.packets++
	}
}

// repair asks for some of the last packets again.
func (c *continuity) repair(t *testing.T, r *receiver, rnd *rand.Rand, now int64) {
	t.Helper()
	for range 5 {
		number := c.highest - uint16(rnd.IntN(30))
		r.feedback(t, now, nack(number))
		for _, p := range r.out.take() {
			first, known := c.sent[number]
			if p.SSRC != outSSRC+1 || len(p.Payload) < 2 {
				t.Fatalf("%s: the answer to a NACK is %+v", c.name, p.Header)
			}
			if !known {
				continue // it came from the cache, but was never in the stream: its place was lost
			}
			if !bytes.Equal(p.Payload[2:], first.Payload) || p.Timestamp != first.Timestamp || p.Marker != first.Marker ||
				!bytes.Equal(p.GetExtension(outDependencyExt), first.GetExtension(outDependencyExt)) {
				t.Fatalf("%s: packet %d is repeated as something else:\n%+v % x\n%+v % x", c.name, number, first.Header, first.Payload, p.Header, p.Payload)
			}
		}
	}
}
