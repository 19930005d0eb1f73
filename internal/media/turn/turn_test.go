package turn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/stun/v3"
	"github.com/pion/turn/v5"
	"go.uber.org/goleak"

	"carillon/internal/media/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait; a correct run needs a fraction of it.
const patience = 15 * time.Second

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

// listen starts a relay with all three ways in, in front of a media port.
func listen(t testing.TB) *Server {
	t.Helper()
	media, err := transport.Listen(transport.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { media.Close() })
	cert, key := writeCertificate(t, t.TempDir(), "relay.example")
	s, err := Listen(Config{Listen: "127.0.0.1:0", ListenTLS: "127.0.0.1:0", CertFile: cert, KeyFile: key, Media: media})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) at(port uint16) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// way opens a connection to the relay as a client does.
func way(t testing.TB, s *Server, name string) net.PacketConn {
	t.Helper()
	var conn net.Conn
	var err error
	switch name {
	case "UDP":
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	case "TCP":
		conn, err = net.Dial("tcp", s.at(s.port))
	case "TLS":
		conn, err = tls.Dial("tcp", s.at(s.tlsPort), &tls.Config{InsecureSkipVerify: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return turn.NewSTUNConn(conn)
}

func client(t testing.TB, s *Server, over string, g *Grant) *turn.Client {
	t.Helper()
	port := s.port
	if over == "TLS" {
		port = s.tlsPort
	}
	c, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: s.at(port), Username: g.Username, Password: g.Password, Realm: realm,
		Conn: way(t, s, over), RTO: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	return c
}

func allocate(t testing.TB, c *turn.Client) net.PacketConn {
	t.Helper()
	relayed, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { relayed.Close() })
	return relayed
}

// fingerprint is one of the right form.
var fingerprint = transport.Fingerprint{Algorithm: "sha-256", Value: strings.TrimSuffix(strings.Repeat("AA:", 32), ":")}

type handler struct{}

func (handler) HandleRTP(*transport.Batch, *rtp.Header, []byte, int64) {}
func (handler) HandleRTCP(*transport.Batch, []byte, int64)             {}
func (handler) HandleConnected()                                       {}
func (handler) HandleClosed(error)                                     {}

func connection(t testing.TB, s *Server) *transport.Conn {
	t.Helper()
	conn, err := s.cfg.Media.NewConn(transport.ConnConfig{
		RemoteUfrag: "peer", RemotePwd: strings.Repeat("p", 24), RemoteFingerprints: []transport.Fingerprint{fingerprint}, Handler: handler{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// check sends an ICE connectivity check through the relay to the media port, and returns the answer.
func check(t testing.TB, s *Server, conn *transport.Conn, relayed net.PacketConn) *stun.Message {
	t.Helper()
	request := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(conn.LocalUfrag()+":peer"),
		stun.NewShortTermIntegrity(conn.LocalPwd()), stun.Fingerprint)
	media := net.UDPAddrFromAddrPort(s.cfg.Media.Addr())
	if _, err := relayed.WriteTo(request.Raw, media); err != nil {
		t.Fatal(err)
	}
	relayed.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2048)
	n, from, err := relayed.ReadFrom(b)
	if err != nil {
		t.Fatal(err)
	}
	if from.String() != media.String() {
		t.Errorf("the answer comes from %v", from)
	}
	answer := &stun.Message{Raw: b[:n]}
	if err := answer.Decode(); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestRelayReachesTheMediaPort(t *testing.T) {
	s := listen(t)
	for _, over := range []string{"UDP", "TCP", "TLS"} {
		t.Run(over, func(t *testing.T) {
			relayed := allocate(t, client(t, s, over, s.Issue()))
			conn := connection(t, s)
			for range 3 { // the first through an indication, later ones through a channel
				answer := check(t, s, conn, relayed)
				var mapped stun.XORMappedAddress
				if answer.Type != stun.BindingSuccess || mapped.GetFrom(answer) != nil || mapped.String() != relayed.LocalAddr().String() {
					t.Fatalf("the answer is %v for %v; the relayed address is %v", answer, mapped, relayed.LocalAddr())
				}
			}
			relayed.Close()
			eventually(t, "the allocation is gone", func() bool { return s.Stats().Allocations == 0 })
		})
	}
}

// The relay must not be a way to anything else, whatever the notation.
func TestForbiddenPeers(t *testing.T) {
	s := listen(t)
	http, err := net.Listen("tcp", "127.0.0.1:0") // something else on the machine, and the same port for UDP
	if err != nil {
		t.Fatal(err)
	}
	defer http.Close()
	victim, err := net.ListenPacket("udp4", http.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	c := client(t, s, "UDP", s.Issue())
	relayed := allocate(t, c)
	for _, ip := range []string{
		"10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.2", "0.0.0.0", "169.254.169.254", "224.0.0.1",
		"255.255.255.255", "198.51.100.7", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1",
		"::ffff:127.0.0.2", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "::127.0.0.1",
	} {
		if s.permit(nil, net.ParseIP(ip)) || s.permit(nil, net.IP(netip.MustParseAddr(ip).AsSlice())) {
			t.Errorf("%s is permitted", ip)
		}
		if err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP(ip), Port: 80}); err == nil {
			t.Errorf("the client got a permission for %s", ip)
		}
	}

	// The address of the media port is permitted, but none of the other ports there is reached.
	refused := s.Stats().Refused
	if err := c.CreatePermission(victim.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if _, err := relayed.WriteTo([]byte("GET / HTTP/1.0\r\n\r\n"), victim.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the datagram is refused", func() bool { return s.Stats().Refused == refused+1 })
	if _, err := c.AllocateTCP(); err == nil {
		t.Error("a TCP allocation was made")
	}
	check(t, s, connection(t, s), relayed) // the allocation works all the same
	victim.SetReadDeadline(time.Now())
	if n, _, err := victim.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes reached another port", n)
	}
}

func TestCredentials(t *testing.T) {
	s := listen(t)
	valid := s.Issue()
	name, id, _ := strings.Cut(valid.Username, ":")
	other := listen(t).Issue()
	longer := *valid
	longer.Username = name + "0:" + id
	wrong := *valid
	wrong.Password += "x"
	expired := *valid
	expired.Username = "1:" + id
	expired.Password = s.password(expired.Username)
	unknown := *valid
	unknown.Username = name + ":nobody"
	unknown.Password = s.password(unknown.Username)
	for name, g := range map[string]*Grant{
		"wrong password": &wrong, "longer life": &longer, "expired": &expired, "revoked long ago": &unknown,
		"of another server": other, "empty": {},
	} {
		if relayed, err := client(t, s, "UDP", g).Allocate(); err == nil {
			relayed.Close()
			t.Errorf("%s: accepted", name)
		}
	}
	allocate(t, client(t, s, "UDP", valid))
	if valid.TTL <= 24*time.Hour {
		t.Errorf("credentials of %v do not outlive the longest conference", valid.TTL)
	}
}

func TestQuota(t *testing.T) {
	s := listen(t)
	g := s.Issue()
	for range maxAllocations {
		allocate(t, client(t, s, "UDP", g))
	}
	if relayed, err := client(t, s, "TCP", g).Allocate(); err == nil {
		relayed.Close()
		t.Error("one more than the quota was made")
	}
	allocate(t, client(t, s, "UDP", s.Issue())) // other users are not concerned
	if got := s.Stats().Allocations; got != maxAllocations+1 {
		t.Errorf("%d allocations", got)
	}
}

func TestRevoke(t *testing.T) {
	s := listen(t)
	g := s.Issue()
	relayed := allocate(t, client(t, s, "TCP", g))
	g.Revoke()
	g.Revoke()
	(*Grant)(nil).Revoke()
	check(t, s, connection(t, s), relayed) // who is still in the call stays for a while
	if relayed, err := client(t, s, "UDP", g).Allocate(); err == nil {
		relayed.Close()
		t.Error("revoked credentials make new allocations")
	}
	s.expire(time.Now().Add(afterwards / 2))
	if s.Stats().Allocations != 1 {
		t.Error("the allocation ended too early")
	}
	s.expire(time.Now().Add(2 * afterwards))
	eventually(t, "the allocation ended", func() bool { return s.Stats().Allocations == 0 && s.turn.AllocationCount() == 0 })
}

func TestBandwidth(t *testing.T) {
	s := listen(t)
	relayed := allocate(t, client(t, s, "UDP", s.Issue()))
	conn := connection(t, s)
	media := net.UDPAddrFromAddrPort(s.cfg.Media.Addr())
	check(t, s, conn, relayed)
	for i := 0; s.Stats().Dropped == 0; i++ {
		if _, err := relayed.WriteTo(bytes.Repeat([]byte{0x80}, 1200), media); err != nil {
			t.Fatal(err)
		}
		if i > 10*maxUp/1200 {
			t.Fatal("nothing is ever dropped")
		}
	}
}

func TestStrangersAreSentAway(t *testing.T) {
	s := listen(t)
	s.streams.mu.Lock()
	s.streams.strangerFor = 300 * time.Millisecond
	s.streams.mu.Unlock()
	dial := func(port uint16) net.Conn {
		conn, err := net.Dial("tcp", s.at(port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	silent, slow, garbage, handshake, broken := dial(s.port), dial(s.port), dial(s.port), dial(s.tlsPort), dial(s.tlsPort)
	garbage.Write([]byte("GET / HTTP/1.1\r\nHost: relay.example\r\n\r\n"))
	broken.Write(bytes.Repeat([]byte("no TLS "), 10))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				slow.Write([]byte{0})
			}
		}
	}()
	for name, conn := range map[string]net.Conn{"silent": silent, "slow": slow, "garbage": garbage, "handshake": handshake, "broken": broken} {
		conn.SetReadDeadline(time.Now().Add(patience))
		var timeout net.Error
		if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: not closed", name)
		}
	}
	eventually(t, "none is left", func() bool {
		s.streams.mu.Lock()
		defer s.streams.mu.Unlock()
		return len(s.streams.byClient)+len(s.streams.strangers) == 0
	})
}

func TestClientsWithAnAllocationStay(t *testing.T) {
	s := listen(t)
	s.streams.mu.Lock()
	s.streams.strangerFor = time.Second
	s.streams.mu.Unlock()
	relayed := allocate(t, client(t, s, "TLS", s.Issue()))
	stranger, err := net.Dial("tcp", s.at(s.port)) // its end is the clock: it came later
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	stranger.SetReadDeadline(time.Now().Add(patience))
	if _, err := stranger.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	check(t, s, connection(t, s), relayed)
}

// Otherwise one user could take all connections there are, one after the other.
func TestClientsWithoutAnAllocationAnyMoreAreSentAway(t *testing.T) {
	s := listen(t)
	s.streams.mu.Lock()
	s.streams.strangerFor = 2 * time.Second // long enough for an allocation, on any machine
	s.streams.mu.Unlock()
	relayed := allocate(t, client(t, s, "TCP", s.Issue()))
	if err := relayed.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is closed", func() bool {
		s.streams.mu.Lock()
		defer s.streams.mu.Unlock()
		return len(s.streams.byClient)+len(s.streams.strangers) == 0
	})
}

func TestStrangersOfOneAddressAreBounded(t *testing.T) {
	s := listen(t)
	var all []net.Conn
	for range maxStranger + 10 {
		conn, err := net.Dial("tcp", s.at(s.port))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		all = append(all, conn)
	}
	last := all[len(all)-1]
	last.SetReadDeadline(time.Now().Add(patience))
	if _, err := last.Read(make([]byte, 1)); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("one too many is served: %v", err)
	}
	s.streams.mu.Lock()
	defer s.streams.mu.Unlock()
	if n := len(s.streams.byClient); n != maxStranger {
		t.Errorf("%d are served", n)
	}
}

func TestURIs(t *testing.T) {
	s := &Server{port: 3478, tlsPort: 5349}
	want := "[turn:[2001:db8::1]:3478?transport=udp turn:[2001:db8::1]:3478?transport=tcp turns:[2001:db8::1]:5349?transport=tcp]"
	for _, host := range []string{"2001:db8::1", "[2001:db8::1]"} {
		if got := fmt.Sprint(s.URIs(host)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	s.port = 0
	if got := fmt.Sprint(s.URIs("meet.example")); got != "[turns:meet.example:5349?transport=tcp]" {
		t.Error(got)
	}
}

// FuzzServer gives a relay datagrams of any kind, with and without an allocation.
func FuzzServer(f *testing.F) {
	s := listen(f)
	conn := way(f, s, "UDP")
	to := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(s.at(s.port)))
	f.Add([]byte{})
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)
	f.Add(stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.Fingerprint).Raw)
	f.Add([]byte{0x40, 0, 0, 4, 1, 2, 3, 4})
	b := make([]byte, 2048)
	f.Fuzz(func(t *testing.T, datagram []byte) {
		if len(datagram) > 1500 {
			return
		}
		if _, err := conn.WriteTo(datagram, to); err != nil {
			t.Fatal(err)
		}
		// The relay is alive as long as it answers this; a panic would end the process.
		probe := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
		if _, err := conn.WriteTo(probe.Raw, to); err != nil {
			t.Fatal(err)
		}
		conn.SetReadDeadline(time.Now().Add(patience))
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				t.Fatal(err)
			}
			answer := &stun.Message{Raw: b[:n]}
			if answer.Decode() == nil && answer.TransactionID == probe.TransactionID {
				return
			}
		}
	})
}
