package transport

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

func TestCandidates(t *testing.T) {
	parse := func(list ...string) (addrs []netip.Addr) {
		for _, a := range list {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		return addrs
	}
	machine := parse("127.0.0.1", "::1", "10.0.0.5", "2001:db8::5", "fe80::5", "169.254.1.1")
	for _, test := range []struct {
		name       string
		cfg        Config
		interfaces []netip.Addr
		want       []netip.Addr
	}{
		{"all interfaces", Config{Listen: ":0"}, machine, parse("10.0.0.5", "2001:db8::5")},
		{"with loopback", Config{Listen: ":0", IncludeLoopback: true}, machine,
			parse("10.0.0.5", "2001:db8::5", "127.0.0.1", "::1")},
		{"IPv4 only", Config{Listen: "0.0.0.0:0"}, machine, parse("10.0.0.5")},
		{"nothing but loopback", Config{Listen: ":0"}, machine[:2], parse("127.0.0.1", "::1")},
		{"one address", Config{Listen: "127.0.0.1:0"}, machine, parse("127.0.0.1")},
		{"public addresses", Config{Listen: ":0", PublicIPs: parse("203.0.113.9", "::ffff:203.0.113.10")}, machine,
			parse("203.0.113.9", "203.0.113.10", "10.0.0.5", "2001:db8::5")},
		{"public address of an interface", Config{Listen: ":0", PublicIPs: parse("2001:db8::5", "203.0.113.9")}, machine,
			parse("2001:db8::5", "203.0.113.9", "10.0.0.5")},
		{"public address and loopback", Config{Listen: ":0", PublicIPs: parse("203.0.113.9"), IncludeLoopback: true}, machine,
			parse("203.0.113.9", "10.0.0.5", "2001:db8::5", "127.0.0.1", "::1")},
		{"public address before one address", Config{Listen: "127.0.0.1:0", PublicIPs: parse("203.0.113.9")}, machine,
			parse("203.0.113.9")},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := listen(t, test.cfg)
			list := s.makeCandidates(test.interfaces)
			var got []netip.Addr
			foundations := make(map[string]bool)
			for i, c := range list {
				foundations[c.Foundation] = true
				protocol := "udp"
				if n := len(list) / 2; i >= n { // the same addresses again
					protocol = "tcp"
					if c.Addr != list[i-n].Addr {
						t.Errorf("%v for TCP instead of %v", c.Addr, list[i-n].Addr)
					}
				} else {
					got = append(got, c.Addr.Addr())
				}
				if c.Component != 1 || c.Protocol != protocol || c.Type != "host" || c.Addr.Port() != s.Addr().Port() {
					t.Errorf("%+v", c)
				}
				if i > 0 && c.Priority >= list[i-1].Priority {
					t.Error("priorities do not fall")
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("addresses %v, want %v", got, test.want)
			}
			if len(foundations) != len(list) {
				t.Error("foundations are not distinct")
			}
		})
	}
}

func TestCandidatesOfThisMachine(t *testing.T) {
	s := listen(t, Config{Listen: ":0"})
	if list := s.Candidates(); len(list) == 0 {
		t.Error("there are none")
	}
}

func TestManyInterfaces(t *testing.T) {
	var many []netip.Addr
	for i := range 100 {
		many = append(many, netip.MustParseAddr(fmt.Sprintf("10.0.0.%d", i+1)))
	}
	if n := len(listen(t, Config{Listen: ":0"}).makeCandidates(many)); n != 2*maxCandidates {
		t.Errorf("%d candidates, want %d", n, 2*maxCandidates)
	}
}

// The client's socket takes answers from the address that it asked only, as NATs and firewalls do.
func TestAnswersComeFromTheAddressThatWasAsked(t *testing.T) {
	s := listen(t, Config{Listen: ":0"})
	for _, host := range []string{"127.0.0.1", "127.0.0.2", "127.83.0.9", "::1"} {
		for _, way := range []string{"UDP", "TCP"} {
			t.Run(host+" "+way, func(t *testing.T) {
				p, h := newPeer(t, s), newRecorder()
				p.server = netip.AddrPortFrom(netip.MustParseAddr(host), s.Addr().Port())
				if way == "UDP" {
					p.moveConnected()
				} else {
					p.moveToTCP()
				}
				c := p.connect(s, h)
				p.send(p.protect(1, 1, host))
				if got := receive(t, "HandleRTP", h.rtp); string(got.payload) != host {
					t.Errorf("received %q", got.payload)
				}
				p.hears(c, s, host)
			})
		}
	}
}

func TestListenFailsOnABadAddress(t *testing.T) {
	for _, address := range []string{"nonsense", "127.0.0.1:99999", "192.0.2.1:1"} {
		if s, err := Listen(Config{Listen: address}); err == nil {
			s.Close()
			t.Errorf("listening on %q succeeded", address)
		}
	}
}
