package forwarder

import (
	"testing"

	mediartp "carillon/internal/media/rtp"
)

// lossyLine is a receiver that reports each 50 ms what has arrived, and asks for nothing.
type lossyLine struct {
	*receiver
	t       *testing.T
	twcc    mediartp.TWCC
	loses   func(transport uint16, repeated bool) bool
	arrived map[uint16]int // times that a packet came, by its number
	sent    map[uint16]int
}

func newLossyLine(t *testing.T, loses func(transport uint16, repeated bool) bool) *lossyLine {
	r := newReceiver(func(c *DownConfig) { c.TWCCExt = outTWCCExt })
	return &lossyLine{receiver: r, t: t, loses: loses, arrived: map[uint16]int{}, sent: map[uint16]int{}}
}

// run sends small pictures for a while.
func (l *lossyLine) run(s *sender, pictures int) {
	for range pictures {
		s.send(s.frame(false, 3)...)
		l.pace(s, 10)
		for _, p := range l.out.take() {
			seq, repeated := p.SequenceNumber, p.SSRC == outSSRC+1
			if repeated {
				if len(p.Payload) == 0 {
					continue // a probe
				}
				seq, _, _ = mediartp.DecapsulateRTX(p.Payload)
			}
			l.sent[seq]++
			if transport := transportNumber(l.t, &p); !l.loses(transport, repeated) {
				l.arrived[seq]++
				l.twcc.Record(transport, s.now)
			}
		}
		for l.twcc.Pending() {
			l.down.HandleRTCP(nil, l.twcc.AppendFeedback(nil, 1, 2), s.now)
		}
	}
}

// missing is how many packets never came, but for the last ones.
func (l *lossyLine) missing() (n int) {
	for seq := range l.sent {
		if l.arrived[seq] == 0 {
			n++
		}
	}
	return n
}

func begin(t *testing.T, loses func(uint16, bool) bool) (*sender, *lossyLine) {
	s, l := newSender(100), newLossyLine(t, loses)
	l.d.SetSource(s.track)
	s.send(s.frame(true, 3)...)
	return s, l
}

// What feedback reports as lost is sent again on a line that goes on losing packets, also when that was lost.
func TestLostPacketsAreReplaced(t *testing.T) {
	s, l := begin(t, func(transport uint16, _ bool) bool { return transport%4 == 0 })
	l.run(s, 20) // until it is known
	before := l.missing()
	l.run(s, 100)
	// The last ones may be under way; those before are not asked for by anybody.
	if n := l.missing() - before; n > 4 {
		t.Errorf("%d packets are missing for good", n)
	}
	for seq, n := range l.arrived {
		if n > 2 {
			t.Errorf("packet %d came %d times: it was sent again although it had come", seq, n)
		}
	}
}

func TestNothingIsReplacedOnAGoodLine(t *testing.T) {
	s, l := begin(t, func(transport uint16, _ bool) bool { return transport > 200 && transport%100 == 50 })
	l.run(s, 200)
	if len(l.sent) < 500 {
		t.Fatalf("%d packets", len(l.sent))
	}
	for seq, n := range l.sent {
		if n > 1 {
			t.Errorf("packet %d was sent %d times", seq, n)
		}
	}
}

// When one of the packets that repeat it may have arrived, it is not sent again.
func TestReplacedOnce(t *testing.T) {
	lost := 0
	s, l := begin(t, func(transport uint16, repeated bool) bool {
		if repeated {
			lost++
			return lost%2 == 0 // the second of two
		}
		return transport%5 == 0
	})
	l.run(s, 20)
	clear(l.arrived)
	clear(l.sent)
	l.run(s, 100)
	for seq, n := range l.sent {
		if n > 3 {
			t.Errorf("packet %d was sent %d times", seq, n)
		}
	}
}
