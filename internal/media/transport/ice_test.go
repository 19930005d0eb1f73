package transport

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

// testReader is a reader of s beside the one that runs, for tests that hand it datagrams without a socket.
func testReader(s *Server, from string) *reader {
	r := newReader(s)
	r.from = testPath(from)
	return r
}

func testPath(from string) path {
	a := netip.MustParseAddrPort(from)
	return path{remote: a.Addr().As16(), port: uint32(a.Port())}
}

// answers takes what r would send.
func (r *reader) answers(t testing.TB) (list []*stun.Message) {
	t.Helper()
	for _, p := range r.batch.packets {
		m := &stun.Message{Raw: append([]byte(nil), p.data...)}
		if err := m.Decode(); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	r.batch.chains, r.batch.packets, r.batch.chunk, r.batch.used = nil, nil, 0, 0
	return list
}

func TestAnswerToConnectivityCheck(t *testing.T) {
	s := listen(t, Config{})
	c := newPeer(t, s).announce(s, newRecorder())
	for _, from := range []string{"192.0.2.7:4567", "[2001:db8::7]:4567"} {
		r := testReader(s, from)
		question := check(c)
		r.handle(question, 1)
		list := r.answers(t)
		if len(list) != 1 || list[0].Type != stun.BindingSuccess {
			t.Fatalf("answers: %v", list)
		}
		m := list[0]
		if string(m.TransactionID[:]) != string(question[8:20]) {
			t.Error("the answer is of another transaction")
		}
		var mapped stun.XORMappedAddress
		if err := mapped.GetFrom(m); err != nil || mapped.String() != from {
			t.Errorf("XOR-MAPPED-ADDRESS is %v (%v), want %s", mapped, err, from)
		}
		if err := stun.NewShortTermIntegrity(c.LocalPwd()).Check(m); err != nil {
			t.Error(err)
		}
		if err := stun.Fingerprint.Check(m); err != nil {
			t.Error(err)
		}
	}
}

func TestUnauthenticatedChecksAreNotAnswered(t *testing.T) {
	s := listen(t, Config{})
	c := newPeer(t, s).announce(s, newRecorder())
	name := stun.NewUsername(c.LocalUfrag() + ":" + peerUfrag)
	signed := stun.NewShortTermIntegrity(c.LocalPwd())
	build := func(setters ...stun.Setter) []byte {
		return stun.MustBuild(append([]stun.Setter{stun.TransactionID}, setters...)...).Raw
	}
	good := check(c)
	for name, datagram := range map[string][]byte{
		"wrong password":  build(stun.BindingRequest, name, stun.NewShortTermIntegrity("x"+c.LocalPwd()), stun.Fingerprint),
		"no integrity":    build(stun.BindingRequest, name, stun.Fingerprint),
		"no fingerprint":  build(stun.BindingRequest, name, signed),
		"no user name":    build(stun.BindingRequest, signed, stun.Fingerprint),
		"unknown ufrag":   build(stun.BindingRequest, stun.NewUsername("nobody:"+peerUfrag), signed, stun.Fingerprint),
		"other peer":      build(stun.BindingRequest, stun.NewUsername(c.LocalUfrag()+":mallory"), signed, stun.Fingerprint),
		"no colon":        build(stun.BindingRequest, stun.NewUsername(c.LocalUfrag()), signed, stun.Fingerprint),
		"a response":      build(stun.BindingSuccess, name, signed, stun.Fingerprint),
		"an allocation":   build(stun.NewType(stun.MethodAllocate, stun.ClassRequest), name, signed, stun.Fingerprint),
		"cut short":       good[:len(good)-4],
		"something added": append(append([]byte(nil), good...), 0, 0, 0, 0),
		"one byte":        {0},
		"header only":     append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...),
	} {
		r := testReader(s, "192.0.2.7:4567")
		before := s.Stats().Rejected
		r.handle(datagram, 1)
		if list := r.answers(t); len(list) != 0 {
			t.Errorf("%s: answered with %v", name, list)
		}
		if s.Stats().Rejected != before+1 {
			t.Errorf("%s: not counted", name)
		}
		if s.conns.findPath(&r.from) != nil {
			t.Errorf("%s: the address was validated", name)
		}
	}
}

func TestErrorAnswers(t *testing.T) {
	s := listen(t, Config{})
	c := newPeer(t, s).announce(s, newRecorder())
	for want, further := range map[stun.ErrorCode]stun.Setter{
		stun.CodeUnknownAttribute: stun.RawAttribute{Type: 0x7abc, Value: []byte{1, 2, 3, 4}},
		stun.CodeRoleConflict:     stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)},
	} {
		r := testReader(s, "192.0.2.7:4567")
		r.handle(check(c, further), 1)
		list := r.answers(t)
		var code stun.ErrorCodeAttribute
		if len(list) != 1 || code.GetFrom(list[0]) != nil || code.Code != want {
			t.Errorf("answers %v, want error %d", list, want)
		}
		if s.conns.findPath(&r.from) != nil {
			t.Errorf("error %d validated the address", want)
		}
	}
}

func TestUseCandidateMustBeSigned(t *testing.T) {
	s := listen(t, Config{})
	c := newPeer(t, s).announce(s, newRecorder())
	m := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.LocalUfrag()+":"+peerUfrag),
		stun.NewShortTermIntegrity(c.LocalPwd()), useCandidate, stun.Fingerprint)
	testReader(s, "192.0.2.7:4567").handle(m.Raw, 1)
	if !c.out.reachable || c.out.nominated {
		t.Errorf("reachable %v, nominated %v; want the pair validated but not nominated", c.out.reachable, c.out.nominated)
	}
}

func TestWhichPairIsUsed(t *testing.T) {
	const a, b = "192.0.2.1:1000", "192.0.2.2:2000"
	second := int64(time.Second)
	type step struct {
		from     string
		nominate bool
		at       int64
		want     string
	}
	for name, steps := range map[string][]step{
		"the latest before the nomination": {{a, false, 1, a}, {b, false, 2, b}, {a, false, 3, a}},
		"the nominated one stays":          {{a, true, 1, a}, {b, false, 2, a}, {a, false, 3, a}},
		"a new nomination moves":           {{a, true, 1, a}, {b, true, 2, b}, {a, false, 3, b}},
		"a new address after silence":      {{a, true, 1, a}, {b, false, 6 * second, a}, {b, false, 8 * second, b}},
		"not while the old one lives": {
			{a, true, 1, a}, {a, false, 5 * second, a}, {b, false, 8 * second, a}, {b, false, 13 * second, b},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, Config{})
			c := newPeer(t, s).announce(s, newRecorder())
			for i, step := range steps {
				var further []stun.Setter
				if step.nominate {
					further = append(further, useCandidate)
				}
				testReader(s, step.from).handle(check(c, further...), step.at)
				if got := c.out.to.addrPort().String(); got != step.want {
					t.Errorf("step %d: sending to %s, want %s", i, got, step.want)
				}
			}
		})
	}
}

func TestAddressesAreNotTakenFromTheLiving(t *testing.T) {
	s := listen(t, Config{})
	victim, thief := newPeer(t, s).announce(s, newRecorder()), newPeer(t, s).announce(s, newRecorder())
	r := testReader(s, "192.0.2.7:4567")
	r.handle(check(victim), 1)
	r.answers(t)
	r.handle(check(thief), 2)
	if list := r.answers(t); len(list) != 0 || s.conns.findPath(&r.from) != victim {
		t.Error("a living connection lost its address to another one")
	}
	r.handle(check(thief), 1+pathOwned)
	if list := r.answers(t); len(list) != 1 || s.conns.findPath(&r.from) != thief {
		t.Error("an abandoned address cannot be used again")
	}
	victim.Close()
	if s.conns.findPath(&r.from) != thief {
		t.Error("closing the former owner freed the address")
	}
	thief.Close()
	if s.conns.findPath(&r.from) != nil {
		t.Error("the address outlived its connection")
	}
}

func TestPathsAreBounded(t *testing.T) {
	s := listen(t, Config{})
	c := newPeer(t, s).announce(s, newRecorder())
	r := testReader(s, "192.0.2.7:1")
	for i := range 10 * maxPaths {
		r.from.port = uint32(1000 + i)
		r.handle(check(c), int64(i+1))
	}
	if len(s.conns.byPath) != maxPaths || len(c.paths) != maxPaths {
		t.Errorf("%d and %d pairs are kept, want %d", len(s.conns.byPath), len(c.paths), maxPaths)
	}
	if s.conns.findPath(&r.from) != c {
		t.Error("the latest pair is not known")
	}
}

func TestUnvalidatedDatagramsGoNowhere(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.announce(s, h) // in service, but this address has not passed ICE
	hello := append([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50}, make([]byte, 50)...)
	media := append([]byte{0x80, 96, 0, 1}, make([]byte, 60)...)
	report := append([]byte{0x80, 200, 0, 1}, make([]byte, 60)...)
	for _, datagram := range [][]byte{hello, media, report} {
		p.send(datagram)
	}
	eventually(t, "the datagrams counted", func() bool { return s.Stats().Unvalidated == 3 })
	if err := p.handshakeFor(300 * time.Millisecond); err == nil {
		t.Error("a DTLS handshake without ICE succeeded")
	}
	eventually(t, "the handshake counted", func() bool { return s.Stats().Unvalidated >= 4 })
	if sent := s.Stats().Sent; sent != 0 {
		t.Errorf("%d datagrams were sent", sent)
	}
	r := testReader(s, "192.0.2.7:4567")
	for name, datagram := range map[string][]byte{"DTLS": hello, "SRTP": media, "SRTCP": report} {
		if n := testing.AllocsPerRun(100, func() { r.handle(datagram, 1) }); n != 0 {
			t.Errorf("%s from an unvalidated address costs %v allocations", name, n)
		}
	}
	if len(h.rtp)+len(h.rtcp)+len(h.connected)+len(h.closed) != 0 {
		t.Error("the handler was called")
	}
}
