package transport

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"carillon/internal/errs"
)

func TestMediaFlowsBothWaysWithEitherProfile(t *testing.T) {
	for name, profiles := range map[string][]dtls.SRTPProtectionProfile{
		"the better of both": {dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_128_GCM},
		"AES-CM only":        {dtls.SRTP_AES128_CM_HMAC_SHA1_80},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, Config{})
			p, h := newPeer(t, s), newRecorder()
			c := p.connect(s, h, profiles...)
			want := profiles[len(profiles)-1]
			if got, _ := p.session.SelectedSRTPProtectionProfile(); got != want {
				t.Errorf("the profile is %v, want %v", got, want)
			}

			before := Now()
			p.send(p.protect(7, 1, "from the client"))
			got := receive(t, "HandleRTP", h.rtp)
			if got.header.SSRC != 7 || got.header.SequenceNumber != 1 || string(got.payload) != "from the client" {
				t.Errorf("received %+v %q", got.header, got.payload)
			}
			if got.arrival < before || got.arrival > Now() {
				t.Errorf("arrival %d is not between %d and now", got.arrival, before)
			}

			b := s.NewBatch()
			header := rtp.Header{Version: 2, PayloadType: 96, SSRC: 9, SequenceNumber: 5}
			if err := header.SetExtension(1, []byte("mid")); err != nil {
				t.Fatal(err)
			}
			if err := c.WriteRTP(b, &header, []byte("from the server")); err != nil {
				t.Fatal(err)
			}
			b.Flush()
			packet := p.media()
			if packet.SSRC != 9 || string(packet.GetExtension(1)) != "mid" || string(packet.Payload) != "from the server" {
				t.Errorf("the client got %v", packet)
			}

			pli, err := rtcp.Marshal([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: 7, MediaSSRC: 9}})
			if err != nil {
				t.Fatal(err)
			}
			protected, err := p.out.EncryptRTCP(nil, pli, nil)
			if err != nil {
				t.Fatal(err)
			}
			p.send(protected)
			if got := receive(t, "HandleRTCP", h.rtcp); string(got) != string(pli) {
				t.Errorf("received RTCP %x, want %x", got, pli)
			}
			if err := c.WriteRTCP(b, pli); err != nil {
				t.Fatal(err)
			}
			b.Flush()
			plain, err := p.in.DecryptRTCP(nil, receive(t, "SRTCP from the server", p.srtp), nil)
			if err != nil || string(plain) != string(pli) {
				t.Errorf("the client got RTCP %x, %v", plain, err)
			}
		})
	}
}

func TestPaddingIsRemoved(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.connect(s, h)
	for i, payload := range []string{"ab\x00\x00\x03", "\x01", "ab\x00", "ab\x09", "end"} {
		packet, err := (&rtp.Packet{
			Header: rtp.Header{Version: 2, SSRC: 7, SequenceNumber: uint16(i + 1)}, Payload: []byte(payload),
		}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if payload != "end" {
			packet[0] |= 0x20
		}
		p.send(p.encrypt(packet))
	}
	for _, want := range []string{"ab", "", "end"} {
		if got := receive(t, "HandleRTP", h.rtp); string(got.payload) != want || got.header.Padding {
			t.Errorf("received %q (padding: %v), want %q", got.payload, got.header.Padding, want)
		}
	}
	eventually(t, "two packets with impossible padding counted", func() bool { return s.Stats().Malformed == 2 })
}

func TestReplayedForgedAndEndlessSourcesAreDropped(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.connect(s, h)
	first := p.protect(1, 1, "once")
	p.send(first)
	p.send(first)
	forged := append([]byte(nil), p.protect(1, 2, "forged")...)
	forged[len(forged)-1] ^= 1
	p.send(forged)
	for ssrc := uint32(2); ssrc <= maxSources; ssrc++ {
		p.send(p.protect(ssrc, 1, "source"))
	}
	p.send(p.protect(maxSources+1, 1, "one too many"))
	p.send(p.protect(1, 3, "last"))
	for n := 0; ; n++ {
		got := receive(t, "HandleRTP", h.rtp)
		if text := string(got.payload); text == "forged" || text == "one too many" || text == "once" && n > 0 {
			t.Errorf("received %q", text)
		} else if text == "last" {
			if n != maxSources {
				t.Errorf("received %d packets before the last, want %d", n, maxSources)
			}
			break
		}
	}
	if got := s.Stats().Undecrypted; got != 3 {
		t.Errorf("dropped %d packets, want 3", got)
	}
}

func TestWrongFingerprintIsRefused(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.fingerprint.Value = strings.Repeat("AB:", 31) + "AB"
	c := p.announce(s, h)
	p.validate(c, useCandidate)
	if err := p.handshake(); err == nil {
		t.Error("the handshake succeeded")
	}
	err := receive(t, "HandleClosed", h.closed)
	if err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("closed because of %v", err)
	}
	if len(h.connected) != 0 {
		t.Error("HandleConnected was called")
	}
	if err := c.WriteRTP(s.NewBatch(), &rtp.Header{Version: 2}, []byte("x")); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("writing to it: %v", err)
	}
}

func TestPeerWithoutSRTPIsRefused(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.announce(s, h)
	p.validate(c)
	p.handshake(dtls.SRTP_AEAD_AES_256_GCM)
	if err := receive(t, "HandleClosed", h.closed); err == nil {
		t.Error("closed without a reason")
	}
}

func TestCloseByThePeerIsReportedOnce(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	p.session.Close()
	if err := receive(t, "HandleClosed", h.closed); errs.CodeOf(err) != errs.Gone {
		t.Errorf("closed because of %v", err)
	}
	c.Close()
	s.expire(Now() + int64(time.Hour))
	if len(h.closed) != 0 {
		t.Error("HandleClosed was called again")
	}
	if n := s.Stats().Conns; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

func TestCloseTellsThePeerButNotTheHandler(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	c := p.connect(s, h)
	c.Close()
	c.Close()
	p.session.SetReadDeadline(time.Now().Add(patience))
	if _, err := p.session.Read(make([]byte, 100)); err == nil || !strings.Contains(err.Error(), "EOF") {
		t.Errorf("the client's DTLS ended with %v, want close_notify", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(h.closed) != 0 {
		t.Error("HandleClosed was called")
	}
	if _, err := s.NewConn(ConnConfig{
		RemoteUfrag: peerUfrag, RemotePwd: peerPwd, RemoteFingerprints: []Fingerprint{p.fingerprint}, Handler: h,
	}); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("a connection on a closed server: %v", err)
	}
}

func TestCloseWithinTheHandler(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	var self atomic.Pointer[Conn]
	h.onRTP = func(*Batch, *rtp.Header, []byte) { self.Load().Close() }
	c := p.announce(s, h)
	self.Store(c)
	p.validate(c, useCandidate)
	if err := p.handshake(); err != nil {
		t.Fatal(err)
	}
	receive(t, "HandleConnected", h.connected)
	eventually(t, "keys in place", func() bool { return c.in.Load() != nil })
	p.send(p.protect(1, 1, "close"))
	p.send(p.protect(1, 2, "too late"))
	receive(t, "HandleRTP", h.rtp)
	eventually(t, "the second one dropped", func() bool { return s.Stats().Unvalidated > 0 })
	if len(h.rtp) != 0 || len(h.closed) != 0 {
		t.Error("the handler was called after Close")
	}
}

func TestPanicEndsOneConnectionOnly(t *testing.T) {
	s := listen(t, Config{})
	bad, badHandler := newPeer(t, s), newRecorder()
	badHandler.onRTP = func(*Batch, *rtp.Header, []byte) { panic("for the test") }
	badHandler.onClosed = func() { panic("again, for the test") }
	bad.connect(s, badHandler)
	good, goodHandler := newPeer(t, s), newRecorder()
	good.connect(s, goodHandler)

	bad.send(bad.protect(1, 1, "boom"))
	if err := receive(t, "HandleClosed", badHandler.closed); errs.CodeOf(err) != errs.Internal {
		t.Errorf("closed because of %v", err)
	}
	good.send(good.protect(1, 1, "still here"))
	receive(t, "HandleRTP of the other", goodHandler.rtp)
	if got := s.Stats(); got.Panics != 2 || got.Conns != 1 {
		t.Errorf("%d panics and %d connections, want 2 and 1", got.Panics, got.Conns)
	}
}

func TestSilentPeersExpire(t *testing.T) {
	s := listen(t, Config{})
	never := newRecorder()
	newPeer(t, s).announce(s, never)
	stuck, stuckPeer := newRecorder(), newPeer(t, s)
	stuckPeer.validate(stuckPeer.announce(s, stuck))
	alive, alivePeer := newRecorder(), newPeer(t, s)
	alivePeer.connect(s, alive)

	now := Now()
	s.expire(now)
	if len(never.closed)+len(stuck.closed)+len(alive.closed) != 0 {
		t.Fatal("a connection expired at once")
	}
	s.expire(now + int64(handshakeTimeout+time.Second))
	if err := receive(t, "handshake timeout", stuck.closed); !strings.Contains(err.Error(), "DTLS") {
		t.Errorf("closed because of %v", err)
	}
	if len(never.closed)+len(alive.closed) != 0 {
		t.Fatal("another connection expired with the unfinished handshake")
	}
	s.expire(now + int64(consentTimeout+time.Second))
	receive(t, "end of who never came", never.closed)
	receive(t, "loss of consent", alive.closed)
}

func TestNewConnChecksItsInput(t *testing.T) {
	s := listen(t, Config{})
	good := ConnConfig{
		RemoteUfrag: peerUfrag, RemotePwd: peerPwd, Handler: newRecorder(),
		RemoteFingerprints: []Fingerprint{{"SHA-256", strings.Repeat("ab:", 31) + "ab"}, {"sha-1", "AB"}},
	}
	for name, change := range map[string]func(*ConnConfig){
		"short ufrag":     func(c *ConnConfig) { c.RemoteUfrag = "abc" },
		"short pwd":       func(c *ConnConfig) { c.RemotePwd = "abc" },
		"no fingerprint":  func(c *ConnConfig) { c.RemoteFingerprints = nil },
		"weak hash only":  func(c *ConnConfig) { c.RemoteFingerprints = c.RemoteFingerprints[1:] },
		"bad fingerprint": func(c *ConnConfig) { c.RemoteFingerprints = []Fingerprint{{"sha-256", "AB:CD"}} },
	} {
		cfg := good
		change(&cfg)
		if _, err := s.NewConn(cfg); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s: %v, want %s", name, err, errs.Invalid)
		}
	}
	c, err := s.NewConn(good)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.LocalUfrag()) < 8 || len(c.LocalPwd()) < 24 {
		t.Errorf("credentials %q, %d characters of password", c.LocalUfrag(), len(c.LocalPwd()))
	}
}

func TestForgedDTLSDoesNotEndAConnection(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.connect(s, h)
	record := func(kind byte, epoch byte, body ...byte) []byte {
		return append([]byte{kind, 254, 253, 0, epoch, 0, 0, 0, 0, 0, 99, 0, byte(len(body))}, body...)
	}
	for _, epoch := range []byte{0, 1, 2} {
		for _, kind := range []byte{20, 21, 22, 23, 24, 25, 26, 63} {
			p.send([]byte{kind})
			p.send(record(kind, epoch))
			p.send(record(kind, epoch, 1, 0))  // as an alert: close_notify
			p.send(record(kind, epoch, 2, 40)) // as an alert: handshake_failure
			p.send(record(kind, epoch, make([]byte, 60)...))
			p.send(append(record(recordHandshake, 0, make([]byte, 60)...), record(kind, epoch, 2, 40)...))
		}
	}
	p.send(p.protect(1, 1, "still here"))
	receive(t, "HandleRTP", h.rtp)
	select {
	case err := <-h.closed:
		t.Fatalf("closed because of %v", err)
	case <-time.After(300 * time.Millisecond): // an end that must not come gives no sign; DTLS needs microseconds
	}
	p.session.Close()
	receive(t, "HandleClosed after a true close_notify", h.closed)
}
