package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v5/packetio"
)

const (
	peerUfrag = "peer"
	peerPwd   = "peerpeerpeerpeerpeerpeer"
)

// peer is a client made of the bare protocols, which can misbehave and change its address.
type peer struct {
	t           testing.TB
	server      netip.AddrPort
	certificate tls.Certificate
	fingerprint Fingerprint
	stun        chan *stun.Message
	srtp        chan []byte
	dtls        *packetio.Buffer

	session *dtls.Conn
	in, out *srtp.Context
	heard   uint16 // packets

	mu      sync.Mutex
	socket  net.Conn // UDP, or TCP
	readers sync.WaitGroup
}

func newPeer(t testing.TB, s *Server) *peer {
	t.Helper()
	certificate, fingerprint, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{
		t: t, certificate: certificate, fingerprint: Fingerprint{"sha-256", fingerprint},
		server: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.Addr().Port()),
		stun:   make(chan *stun.Message, 64), srtp: make(chan []byte, 1024), dtls: packetio.NewBuffer(),
	}
	p.move()
	t.Cleanup(func() {
		if p.session != nil {
			p.session.Close()
		}
		p.dtls.Close()
		p.socket.Close()
		p.readers.Wait()
	})
	return p
}

// move gives the peer a new port, as a NAT may do.
func (p *peer) move() {
	socket, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(p.server.Addr(), 0)))
	p.use(socket, err)
}

// moveConnected is move to a socket that takes nothing from any other address.
func (p *peer) moveConnected() {
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(p.server))
	p.use(socket, err)
}

// moveToTCP gives the peer a TCP connection.
func (p *peer) moveToTCP() {
	socket, err := net.DialTimeout("tcp", p.server.String(), patience)
	p.use(socket, err)
}

func (p *peer) use(socket net.Conn, err error) {
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.socket != nil {
		p.socket.Close()
	}
	p.socket = socket
	p.readers.Go(func() { p.read(socket) })
}

// read takes what comes until the socket is closed.
func (p *peer) read(socket net.Conn) {
	buffer := make([]byte, 4096)
	for {
		n, err := p.readOne(socket, buffer)
		if err != nil {
			return
		}
		datagram := append([]byte(nil), buffer[:n]...)
		switch {
		case n == 0:
		case datagram[0] <= 3:
			m := &stun.Message{Raw: datagram}
			if m.Decode() == nil {
				p.stun <- m
			}
		case datagram[0] <= 63:
			p.dtls.Write(datagram, nil)
		default:
			select {
			case p.srtp <- datagram:
			default: // the test does not look at it
			}
		}
	}
}

// readOne returns 0 for a datagram from elsewhere: the port may have belonged to somebody to whom others still send.
func (p *peer) readOne(socket net.Conn, buffer []byte) (n int, err error) {
	switch socket := socket.(type) {
	case *net.TCPConn:
		var header [2]byte
		if _, err = io.ReadFull(socket, header[:]); err != nil {
			return 0, err
		}
		return io.ReadFull(socket, buffer[:binary.BigEndian.Uint16(header[:])])
	case *net.UDPConn:
		n, from, err := socket.ReadFromUDPAddrPort(buffer)
		if from.Port() != p.server.Port() {
			n = 0
		}
		return n, err
	}
	return socket.Read(buffer)
}

func (p *peer) send(datagram []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	switch socket := p.socket.(type) {
	case *net.TCPConn:
		_, err = socket.Write(appendFrame(nil, nil, datagram))
	case *net.UDPConn:
		if socket.RemoteAddr() != nil {
			_, err = socket.Write(datagram)
		} else {
			_, err = socket.WriteToUDPAddrPort(datagram, p.server)
		}
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		p.t.Errorf("send to the server: %v", err)
	}
}

// The peer is the packet connection of its own DTLS client.
func (p *peer) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := p.dtls.Read(b, nil)
	return n, pipeAddr{}, err
}
func (p *peer) WriteTo(b []byte, _ net.Addr) (int, error) { p.send(b); return len(b), nil }
func (p *peer) Close() error                              { return p.dtls.Close() }
func (p *peer) LocalAddr() net.Addr                       { return pipeAddr{} }
func (p *peer) SetDeadline(t time.Time) error             { return p.dtls.SetReadDeadline(t) }
func (p *peer) SetReadDeadline(t time.Time) error         { return p.dtls.SetReadDeadline(t) }
func (p *peer) SetWriteDeadline(time.Time) error          { return nil }

// check is a connectivity check (RFC 8445 section 7.2.2) for c with further attributes.
func check(c *Conn, further ...stun.Setter) []byte {
	setters := []stun.Setter{
		stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.LocalUfrag() + ":" + peerUfrag),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4}},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: []byte{1, 2, 3, 4, 5, 6, 7, 8}},
	}
	setters = append(setters, further...)
	return stun.MustBuild(append(setters, stun.NewShortTermIntegrity(c.LocalPwd()), stun.Fingerprint)...).Raw
}

var useCandidate = stun.RawAttribute{Type: stun.AttrUseCandidate}

// validate passes ICE.
func (p *peer) validate(c *Conn, further ...stun.Setter) *stun.Message {
	p.t.Helper()
	p.send(check(c, further...))
	m := receive(p.t, "answer to a connectivity check", p.stun)
	if m.Type != stun.BindingSuccess {
		p.t.Fatalf("the answer to a connectivity check is %v", m.Type)
	}
	return m
}

// handshake does DTLS as the client, and takes the keys.
func (p *peer) handshake(profiles ...dtls.SRTPProtectionProfile) error {
	if len(profiles) == 0 {
		profiles = []dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_128_GCM}
	}
	session, err := dtls.ClientWithOptions(p, pipeAddr{}, dtls.WithCertificates(p.certificate),
		dtls.WithSRTPProtectionProfiles(profiles...), dtls.WithInsecureSkipVerify(true),
		dtls.WithFlightInterval(50*time.Millisecond))
	if err != nil {
		return err
	}
	p.session = session
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := session.HandshakeContext(ctx); err != nil {
		return err
	}
	profile, _ := session.SelectedSRTPProtectionProfile()
	state, _ := session.ConnectionState()
	keys := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := keys.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return err
	}
	if p.in, err = srtp.CreateContext(keys.Keys.RemoteMasterKey, keys.Keys.RemoteMasterSalt, keys.Profile); err != nil {
		return err
	}
	p.out, err = srtp.CreateContext(keys.Keys.LocalMasterKey, keys.Keys.LocalMasterSalt, keys.Profile)
	return err
}

// connect makes a connection and brings it up.
func (p *peer) connect(s *Server, h *recorder, profiles ...dtls.SRTPProtectionProfile) *Conn {
	p.t.Helper()
	c := p.announce(s, h)
	p.validate(c, useCandidate)
	if err := p.handshake(profiles...); err != nil {
		p.t.Fatal(err)
	}
	receive(p.t, "HandleConnected", h.connected)
	eventually(p.t, "keys in place", func() bool { return c.in.Load() != nil })
	return c
}

func (p *peer) announce(s *Server, h Handler) *Conn {
	p.t.Helper()
	c, err := s.NewConn(ConnConfig{
		RemoteUfrag: peerUfrag, RemotePwd: peerPwd, RemoteFingerprints: []Fingerprint{p.fingerprint}, Handler: h,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// protect makes an SRTP packet.
func (p *peer) protect(ssrc uint32, seq uint16, payload string) []byte {
	p.t.Helper()
	packet, err := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: 96, SSRC: ssrc, SequenceNumber: seq, Timestamp: uint32(seq) * 960},
		Payload: []byte(payload),
	}).Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	return p.encrypt(packet)
}

func (p *peer) encrypt(packet []byte) []byte {
	p.t.Helper()
	datagram, err := p.out.EncryptRTP(nil, packet, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return datagram
}

// media returns the next packet from the server, decrypted.
func (p *peer) media() *rtp.Packet {
	p.t.Helper()
	plain, err := p.in.DecryptRTP(nil, receive(p.t, "SRTP from the server", p.srtp), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	packet := new(rtp.Packet)
	if err := packet.Unmarshal(plain); err != nil {
		p.t.Fatal(err)
	}
	return packet
}

// hears makes sure that what the server sends arrives.
func (p *peer) hears(c *Conn, s *Server, payload string) {
	p.t.Helper()
	b := s.NewBatch()
	p.heard++
	if err := c.WriteRTP(b, &rtp.Header{Version: 2, SSRC: 9, SequenceNumber: p.heard}, []byte(payload)); err != nil {
		p.t.Fatal(err)
	}
	b.Flush()
	if got := p.media(); string(got.Payload) != payload {
		p.t.Fatalf("the client got %q instead of %q", got.Payload, payload)
	}
}

// handshakeFor tries DTLS for a while.
func (p *peer) handshakeFor(limit time.Duration) error {
	session, err := dtls.ClientWithOptions(p, pipeAddr{}, dtls.WithCertificates(p.certificate),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM), dtls.WithInsecureSkipVerify(true))
	if err != nil {
		return err
	}
	defer session.Close()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return session.HandshakeContext(ctx)
}
