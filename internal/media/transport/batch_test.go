package transport

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

// sink is a socket that media is sent to.
type sink struct{ *net.UDPConn }

func newSink(t testing.TB) sink {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	t.Cleanup(func() { conn.Close() })
	return sink{conn}
}

func (k sink) next(t testing.TB) []byte {
	t.Helper()
	k.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 65536)
	n, err := k.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

var testKey, testSalt = bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 12)

func testContext(t testing.TB, profile srtp.ProtectionProfile) *srtp.Context {
	t.Helper()
	salt := testSalt
	if profile == srtp.ProtectionProfileAes128CmHmacSha1_80 {
		salt = append([]byte{3, 3}, salt...)
	}
	context, err := srtp.CreateContext(testKey, salt, profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		t.Fatal(err)
	}
	return context
}

// wired makes a connection that counts as up and sends to a sink.
func wired(t testing.TB, s *Server, h Handler, to netip.AddrPort, profile srtp.ProtectionProfile) *Conn {
	t.Helper()
	_, fingerprint, err := newCertificate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.NewConn(ConnConfig{
		RemoteUfrag: peerUfrag, RemotePwd: peerPwd, RemoteFingerprints: []Fingerprint{{"sha-256", fingerprint}}, Handler: h,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.out.to, c.out.reachable = testPath(to.String()), true
	c.out.context = testContext(t, profile)
	c.in.Store(testContext(t, profile))
	return c
}

func (k sink) addr() netip.AddrPort { return k.LocalAddr().(*net.UDPAddr).AddrPort() }

// put queues a datagram as it is.
func put(t testing.TB, b *Batch, c *Conn, datagram string) {
	t.Helper()
	buffer, err := b.reserve(len(datagram))
	if err != nil {
		t.Fatal(err)
	}
	b.commit(c, c.out.to, buffer[:copy(buffer, datagram)])
}

func TestBatchGroupsByReceiver(t *testing.T) {
	for _, segmented := range []bool{true, false} {
		t.Run(fmt.Sprintf("segmented=%v", segmented), func(t *testing.T) {
			s := listen(t, Config{})
			if segmented && !s.socket.segmented.Load() {
				t.Fatal("this kernel has no UDP segmentation offload, which the package relies on for speed")
			}
			s.socket.segmented.Store(segmented)
			sinks := []sink{newSink(t), newSink(t)}
			var conns []*Conn
			for _, k := range sinks {
				conns = append(conns, wired(t, s, newRecorder(), k.addr(), srtp.ProtectionProfileAeadAes128Gcm))
			}
			sizes := []int{1200, 1200, 1200, 700, 1200, 1200, 1300, 100, 100}
			for len(sizes) < 40 {
				sizes = append(sizes, 900)
			}
			b := s.NewBatch()
			for i, size := range sizes {
				for j, c := range conns {
					put(t, b, c, fmt.Sprintf("%0*d", size, 1000*j+i))
				}
			}
			b.Flush()
			for j, k := range sinks {
				for i, size := range sizes {
					if got, want := string(k.next(t)), fmt.Sprintf("%0*d", size, 1000*j+i); got != want {
						t.Fatalf("sink %d, datagram %d: %d bytes ending in %q, want %d and %q",
							j, i, len(got), got[max(0, len(got)-4):], size, want[size-4:])
					}
				}
			}
			stats := s.Stats()
			if stats.Sent != uint64(2*len(sizes)) || stats.SendFailed+stats.SendDropped != 0 {
				t.Errorf("%+v", stats)
			}
			// 3 and a shorter one, 2, 1 and a shorter one, 1 alone, then 31 of equal size in runs of at most 8.
			if want := uint64(2 * (1 + 1 + 1 + 4)); segmented && stats.Segmented != want {
				t.Errorf("%d segmented sends, want %d", stats.Segmented, want)
			} else if !segmented && stats.Segmented != 0 {
				t.Errorf("%d segmented sends, want none", stats.Segmented)
			}
		})
	}
}

func TestBatchFlushesWhenFull(t *testing.T) {
	s := listen(t, Config{})
	k := newSink(t)
	c := wired(t, s, newRecorder(), k.addr(), srtp.ProtectionProfileAeadAes128Gcm)
	b := s.NewBatch()
	const count = maxChunks*chunkSize/1000 + 10
	for i := range count {
		put(t, b, c, fmt.Sprintf("%01000d", i))
	}
	if sent := s.Stats().Sent; sent == 0 {
		t.Error("nothing was sent although the batch was full")
	}
	b.Flush()
	for i := range count {
		if got := string(k.next(t)); got != fmt.Sprintf("%01000d", i) {
			t.Fatalf("datagram %d is wrong or out of order", i)
		}
	}
	if _, err := b.reserve(maxDatagram + 1); err == nil {
		t.Error("a datagram that is too long was taken")
	}
}

func TestRefusedSegmentationFallsBack(t *testing.T) {
	for errno, everywhere := range map[unix.Errno]bool{unix.EIO: true, unix.EINVAL: false, unix.EMSGSIZE: false} {
		t.Run(errno.Error(), func(t *testing.T) {
			s := listen(t, Config{Listen: ":0"}) // with a source address in the ancillary data too
			k := newSink(t)
			c := wired(t, s, newRecorder(), k.addr(), srtp.ProtectionProfileAeadAes128Gcm)
			c.out.to.local = netip.MustParseAddr("127.0.0.1").As16()
			b := s.NewBatch()
			for i := range 5 {
				put(t, b, c, fmt.Sprintf("%0100d", i))
			}
			b.sender.add(&b.chains[0], b.packets, 0)
			if b.sender.count != 1 || b.sender.segments != 5 {
				t.Fatalf("%d messages of %d datagrams", b.sender.count, b.sender.segments)
			}
			b.sender.refused(0, errno)
			for i := range 5 {
				if got := string(k.next(t)); got != fmt.Sprintf("%0100d", i) {
					t.Fatalf("datagram %d: %d bytes", i, len(got))
				}
			}
			if s.socket.segmented.Load() == everywhere || c.unsegmented.Load() == everywhere {
				t.Errorf("segmentation: socket %v, connection %v", s.socket.segmented.Load(), !c.unsegmented.Load())
			}
		})
	}
}

func TestFullSocketDropsAndCounts(t *testing.T) {
	s := listen(t, Config{})
	k := newSink(t)
	c := wired(t, s, newRecorder(), k.addr(), srtp.ProtectionProfileAeadAes128Gcm)
	b := s.NewBatch()
	// A datagram socket pair fills up when nobody reads; UDP on loopback never does.
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	for unix.Send(pair[0], make([]byte, 1000), unix.MSG_DONTWAIT) == nil {
	}
	s.socket.segmented.Store(false)
	for range 20 {
		put(t, b, c, "x")
	}
	for next := b.chains[0].head; next >= 0; {
		next = b.sender.add(&b.chains[0], b.packets, next)
	}
	for i := range b.sender.count { // connected sockets take no address
		b.sender.headers[i].header.Name, b.sender.headers[i].header.Namelen = nil, 0
	}
	b.sender.socket = &socket{fd: pair[0]}
	b.sender.send()
	if got := s.Stats(); got.SendDropped != 20 || got.Sent != 0 {
		t.Errorf("%d dropped and %d sent, want 20 and 0", got.SendDropped, got.Sent)
	}
}

func TestUnreachableReceiverDoesNotHoldUpOthers(t *testing.T) {
	s := listen(t, Config{})
	k := newSink(t)
	nowhere := wired(t, s, newRecorder(), netip.MustParseAddrPort("127.0.0.1:0"), srtp.ProtectionProfileAeadAes128Gcm)
	c := wired(t, s, newRecorder(), k.addr(), srtp.ProtectionProfileAeadAes128Gcm)
	b := s.NewBatch()
	put(t, b, nowhere, "lost") // the kernel refuses port 0
	put(t, b, c, "arrives")
	b.Flush()
	if got := string(k.next(t)); got != "arrives" {
		t.Errorf("received %q", got)
	}
	if got := s.Stats(); got.SendFailed != 1 || got.Sent != 1 {
		t.Errorf("%d failed and %d sent, want 1 and 1", got.SendFailed, got.Sent)
	}
}
