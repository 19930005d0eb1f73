package servertest

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pion/webrtc/v4"

	"carillon/internal/signaling/signalpb"
)

// access is how a client reaches the network.
type access struct {
	network webrtc.NetworkType
	nat     *NAT
	way     string                       // "", or the end of the only addresses of the relay that can be reached
	relay   *signalpb.SdkTurnCredentials // from JOIN_ACK
	red     bool                         // it prefers redundant audio data
	options Options
	stereo  bool // it sends stereo, and wants to receive it
}

// configuration is what clients make of JOIN_ACK: with addresses of a relay they use nothing else.
func (a access) configuration() webrtc.Configuration {
	if len(a.relay.GetUris()) == 0 {
		return webrtc.Configuration{}
	}
	return webrtc.Configuration{
		ICEServers: []webrtc.ICEServer{{
			URLs: a.relay.GetUris(), Username: a.relay.GetUsername(), Credential: a.relay.GetPassword(),
		}},
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
	}
}

func arrive(t testing.TB, ticket Ticket, session uint64, audio bool, a access) *Client {
	t.Helper()
	s := Dial(t, ticket)
	s.serverSide = a.options.ServerSide
	ack, _ := s.Join(session)
	a.relay = ack.GetJoinack().GetTurnCredentials()
	a.relay.Uris = slices.DeleteFunc(a.relay.GetUris(), func(uri string) bool { return !strings.HasSuffix(uri, a.way) })
	return &Client{Signal: s, Peer: newPeer(t, audio, a), Ticket: ticket, Relay: a.relay.GetUris(), Ack: ack}
}

// EnterOverTCP is Enter for a client whose network blocks UDP.
func EnterOverTCP(t testing.TB, ticket Ticket, session uint64) *Client {
	t.Helper()
	c := arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeTCP4})
	c.Negotiate()
	return c
}

// EnterThrough is Enter for a client that reaches only those addresses of the relay that end in the given way.
func EnterThrough(t testing.TB, way string, ticket Ticket, session uint64) *Client {
	t.Helper()
	c := arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeUDP4, way: way})
	c.Negotiate()
	return c
}

// EnterBehind is Enter for a client behind a NAT.
func EnterBehind(t testing.TB, nat *NAT, ticket Ticket, session uint64) *Client {
	t.Helper()
	c := arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeUDP4, nat: nat})
	c.Negotiate()
	return c
}

// NAT stands between one client and the media port, and can give the client another address, which the client does not
// notice.
type NAT struct {
	t      testing.TB
	inside *net.UDPConn
	media  netip.AddrPort
	work   sync.WaitGroup

	mu      sync.Mutex
	client  netip.AddrPort
	outside *net.UDPConn
}

// NewNAT makes one in front of the server's media port.
func NewNAT(t testing.TB, s *Server) *NAT {
	t.Helper()
	inside, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	n := &NAT{t: t, inside: inside, media: s.MediaAddr()}
	n.Rebind()
	n.work.Go(n.out)
	t.Cleanup(func() {
		inside.Close()
		n.outside.Close()
		n.work.Wait()
	})
	return n
}

// Rebind gives the client another address. What is sent to the old one is lost.
func (n *NAT) Rebind() {
	n.t.Helper()
	outside, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(n.media))
	must(n.t, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outside != nil {
		n.outside.Close()
	}
	n.outside = outside
	n.work.Go(func() { n.in(outside) })
}

// out forwards what the client sends. Errors are losses.
func (n *NAT) out() {
	b := make([]byte, 2048)
	for {
		size, from, err := n.inside.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		n.mu.Lock()
		n.client = from
		_, _ = n.outside.Write(b[:size])
		n.mu.Unlock()
	}
}

// in forwards what comes for the client at one outside address.
func (n *NAT) in(outside *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		size, err := outside.Read(b)
		if err != nil {
			return
		}
		n.mu.Lock()
		client := n.client
		n.mu.Unlock()
		_, _ = n.inside.WriteToUDPAddrPort(b[:size], client)
	}
}

var udpCandidate = regexp.MustCompile(`(a=candidate:\S+ 1 udp \d+) \S+ \d+ `)

// rewrite makes the client see the inside of the NAT as the server.
func (n *NAT) rewrite(answer string) string {
	addr := n.inside.LocalAddr().(*net.UDPAddr).AddrPort()
	return udpCandidate.ReplaceAllString(answer, fmt.Sprintf("${1} %v %d ", addr.Addr(), addr.Port()))
}
