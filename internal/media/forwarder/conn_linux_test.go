package forwarder

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/rtp"
	"github.com/pion/stun/v3"

	"carillon/internal/media/transport"
)

// connected is a transport.Handler that only waits for the handshake.
type connected struct{ up chan error }

func (c connected) HandleRTP(*transport.Batch, *rtp.Header, []byte, int64) {}
func (c connected) HandleRTCP(*transport.Batch, []byte, int64)             {}
func (c connected) HandleConnected()                                       { c.up <- nil }
func (c connected) HandleClosed(err error)                                 { c.up <- err }

// quiet is the socket of a client that stops reading after its handshake, so that a benchmark measures
// the server alone.
type quiet struct {
	*net.UDPConn
	server *net.UDPAddr
	hush   chan struct{} // closed after the handshake
	end    chan struct{} // closed at the end of the benchmark
}

func (q *quiet) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		select {
		case <-q.hush:
			<-q.end
			return 0, nil, net.ErrClosed
		default:
		}
		// The deadline lets a read that waits notice hush.
		_ = q.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, _, err := q.ReadFromUDP(b)
		if errors.Is(err, os.ErrDeadlineExceeded) || n > 0 && stun.IsMessage(b[:n]) {
			continue
		}
		return n, q.server, err
	}
}

func (q *quiet) WriteTo(b []byte, _ net.Addr) (int, error) { return q.WriteToUDP(b, q.server) }

// connect brings up one client by ICE and DTLS and returns the server's side of it.
func connect(b *testing.B, server *transport.Server) *transport.Conn {
	b.Helper()
	cert, err := selfsign.GenerateSelfSigned()
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	var pairs []string
	for _, x := range sum {
		pairs = append(pairs, fmt.Sprintf("%02X", x))
	}
	up := connected{up: make(chan error, 2)}
	conn, err := server.NewConn(transport.ConnConfig{
		RemoteUfrag: "client", RemotePwd: "the-password-of-the-client", Handler: up,
		RemoteFingerprints: []transport.Fingerprint{{Algorithm: "sha-256", Value: strings.Join(pairs, ":")}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	q := &quiet{UDPConn: socket, server: net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), server.Addr().Port())),
		hush: make(chan struct{}), end: make(chan struct{})}
	b.Cleanup(func() { close(q.end); socket.Close() })
	check, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(conn.LocalUfrag()+":client"),
		stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x6e, 0, 1, 0xff}},
		stun.NewShortTermIntegrity(conn.LocalPwd()), stun.Fingerprint)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := q.WriteTo(check.Raw, nil); err != nil {
		b.Fatal(err)
	}
	client, err := dtls.ClientWithOptions(q, q.server, dtls.WithCertificates(cert), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	if err := client.HandshakeContext(ctx); err != nil {
		b.Fatalf("handshake: %v", err)
	}
	select {
	case err := <-up.up:
		if err != nil {
			b.Fatal(err)
		}
	case <-ctx.Done():
		b.Fatal("the server does not see the connection")
	}
	close(q.hush)
	return conn
}

// BenchmarkForward forwards frames to real connections, whose sockets nobody reads: everything from the
// decrypted packet to the kernel. A batch is flushed after each frame, as the reader does when a frame's
// packets arrive together.
func BenchmarkForward(b *testing.B) {
	for _, n := range audience {
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			server, err := transport.Listen(transport.Config{Listen: "127.0.0.1:0", IncludeLoopback: true, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { server.Close() })
			var writers []Writer
			for range n {
				writers = append(writers, connect(b, server))
			}
			batch := server.NewBatch()
			st := newStream(writers, batch)
			st.warm(batch)
			batch.Flush()
			report(b, n, func() {
				st.next(batch)
				batch.Flush()
			})
		})
	}
}
