package transport

import (
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v3"
)

// FuzzDatagram gives the reader any bytes from a validated and from an unknown address. Nothing may panic, nothing may
// be answered but authentic checks, and nothing may reach the handler but authentic packets.
func FuzzDatagram(f *testing.F) {
	s := listen(f, Config{})
	h := newRecorder()
	c := wired(f, s, h, newSink(f).addr(), srtp.ProtectionProfileAeadAes128Gcm)
	c.mu.Lock()
	c.closed = true // keeps datagrams of DTLS from starting a goroutine
	c.mu.Unlock()
	known, unknown := testReader(s, "192.0.2.7:4567"), testReader(s, "192.0.2.8:4567")
	s.conns.claim(c, known.from, 1)

	out := testContext(f, srtp.ProtectionProfileAeadAes128Gcm)
	packet, err := (&rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 1, SequenceNumber: 1}, Payload: []byte("x")}).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	authentic, err := out.EncryptRTP(nil, packet, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(authentic)
	f.Add([]byte{})
	f.Add(check(c))
	f.Add(check(c, useCandidate, stun.RawAttribute{Type: 0x7abc, Value: []byte("1234")}))
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1})
	f.Add([]byte{0x90, 200, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0xbe, 0xde, 0, 9})
	f.Add([]byte{0x9f, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0xbe, 0xde, 0, 9})
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) == 0 || len(datagram) > maxDatagram {
			return // never handed over by take
		}
		var m stun.Message
		_, broken := parseBinding(&m, datagram)
		for _, r := range []*reader{unknown, known} {
			r.handle(append([]byte(nil), datagram...), 1)
			if list := r.answers(t); len(list) > 0 && broken != nil {
				t.Errorf("answered %x with %v", datagram, list)
			}
		}
		if s.Stats().Panics != 0 {
			t.Fatal("a panic was recovered")
		}
		for len(h.rtp) > 0 {
			if got := <-h.rtp; string(got.payload) != "x" {
				t.Errorf("a forged packet was accepted: %+v", got)
			}
		}
	})
}

// FuzzBinding puts any attributes into a binding request that is well-formed around them.
func FuzzBinding(f *testing.F) {
	s := listen(f, Config{})
	c := wired(f, s, discard{}, newSink(f).addr(), srtp.ProtectionProfileAeadAes128Gcm)
	valid := check(c, useCandidate)
	f.Add(valid[20 : len(valid)-8]) // between the header and FINGERPRINT
	name := stun.MustBuild(stun.BindingRequest, stun.NewUsername(c.LocalUfrag()+":"+peerUfrag)).Raw[20:]
	f.Add(append(append([]byte(nil), name...), 0, 8, 0, 0))
	f.Add(append(append([]byte(nil), name...), 0, 8, 0, 20, 1, 2))
	r := testReader(s, "192.0.2.7:4567")
	f.Fuzz(func(t *testing.T, attributes []byte) {
		if len(attributes) > 1000 {
			return
		}
		m := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
		m.Raw = append(m.Raw, attributes...)
		m.Length = uint32(len(attributes))
		m.WriteLength()
		if err := stun.Fingerprint.AddTo(m); err != nil {
			t.Fatal(err)
		}
		r.handle(m.Raw, 1)
		if len(r.answers(t)) > 0 && stun.NewShortTermIntegrity(c.LocalPwd()).Check(&r.request) != nil {
			t.Errorf("answered a request without a valid signature: %x", attributes)
		}
	})
}

// FuzzAuthenticPacket lets a participant who has the keys send any RTP or RTCP.
func FuzzAuthenticPacket(f *testing.F) {
	s := listen(f, Config{})
	c := wired(f, s, discard{}, newSink(f).addr(), srtp.ProtectionProfileAeadAes128Gcm)
	r := testReader(s, "192.0.2.7:4567")
	s.conns.claim(c, r.from, 1)
	out := testContext(f, srtp.ProtectionProfileAeadAes128Gcm)
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 'x'})
	f.Add([]byte{0xa0, 96, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 'x', 2})
	f.Add([]byte{0xb2, 96, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 0x32, 1, 2, 3, 9})
	f.Add([]byte{0x80, 200, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if len(packet) < 12 || len(packet) > maxDatagram-maxOverhead || packet[0] < 128 || packet[0] > 191 {
			return
		}
		var datagram []byte
		var err error
		if packet[1] >= 192 && packet[1] <= 223 {
			datagram, err = out.EncryptRTCP(nil, packet, nil)
		} else {
			datagram, err = out.EncryptRTP(nil, packet, nil)
		}
		if err != nil {
			return // cannot be protected, so nobody can send it
		}
		r.handle(datagram, 1)
		if s.Stats().Panics != 0 {
			t.Fatal("a panic was recovered")
		}
	})
}
