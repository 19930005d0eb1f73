package forwarder

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

// plain makes a receiver whose sections have no RTX.
func plain(cfg *DownConfig) { cfg.RTXSSRC = 0 }

// shortDescriptor is a VP8 payload that ends behind its picture id.
func (s *sender) shortDescriptor() rtp.Packet {
	p := s.frame(false, 1)[0]
	p.Payload = p.Payload[:4]
	return p
}

// shorten gives a packet's picture id 7 bits instead of 15.
func shorten(p rtp.Packet) rtp.Packet {
	b := bytes.Clone(p.Payload)
	b[3] &= 0x7f
	p.Payload = append(b[:2:2], b[3:]...)
	return p
}

// Without RTX a packet is repeated under its own number, so that its text must be the same to the bit: one SRTP nonce
// must not protect two (RFC 7714 section 8.1). A sender can try to change what we make of its packets meanwhile.
func TestPlainRetransmissionNeverDiffers(t *testing.T) {
	for name, play := range map[string]func(*sender){
		"a descriptor without a payload": func(s *sender) { s.send(s.shortDescriptor()) },
		"another width of picture ids": func(s *sender) {
			s.send(s.frame(false, 2)...)
			for range 3 {
				s.send(shorten(s.frame(false, 1)[0]))
				s.send(s.frame(false, 1)...)
			}
		},
		"a jump of the picture ids": func(s *sender) {
			s.send(s.frame(false, 2)...)
			s.pictureID += 9000
			s.send(s.frame(true, 1)...)
			s.send(s.frame(false, 2)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			other, s := newSender(50), newSender(100)
			s.pictureID = 7
			r := newReceiver(plain)
			r.d.SetSource(other.track) // so that the ids of s are rewritten
			other.send(other.frame(true, 2)...)
			r.d.SetSource(s.track)
			s.send(s.frame(true, 1)...)
			play(s)
			s.send(s.frame(false, 1)...)
			sent := make(map[uint16][]byte)
			var ask []uint16
			for _, p := range r.out.take() {
				sent[p.SequenceNumber], _ = p.Marshal()
				ask = append(ask, p.SequenceNumber)
			}
			r.feedback(t, s.now, nack(ask...))
			again := r.out.take()
			if len(again) == 0 {
				t.Fatal("nothing was sent again")
			}
			for _, p := range again {
				if raw, _ := p.Marshal(); !bytes.Equal(raw, sent[p.SequenceNumber]) {
					t.Errorf("packet %d differs:\n% x\n% x", p.SequenceNumber, sent[p.SequenceNumber], raw)
				}
			}
		})
	}
}

// The ids of what comes after an old packet that is sent again do not depend on that.
func TestRetransmissionDoesNotTouchPictureIDs(t *testing.T) {
	var ids [2][]string
	for i, ask := range []bool{false, true} {
		s, r := newSender(100), newReceiver()
		s.pictureID = 7
		r.d.SetSource(s.track)
		s.send(s.frame(true, 1)...)
		first := r.out.take()[0]
		s.pictureID += 9000
		s.send(s.frame(true, 1)...)
		r.out.take()
		if ask {
			r.feedback(t, s.now, nack(first.SequenceNumber))
			r.out.take()
		}
		for range 3 {
			s.send(s.frame(false, 1)...)
		}
		for _, p := range r.out.take() {
			ids[i] = append(ids[i], string(p.Payload[2:5]))
		}
	}
	for i := range ids[0] {
		if ids[0][i] != ids[1][i] {
			t.Errorf("picture %d: % x without a retransmission, % x with one", i, ids[0][i], ids[1][i])
		}
	}
}
