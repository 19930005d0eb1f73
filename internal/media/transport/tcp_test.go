package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
)

func dial(t testing.TB, s *Server) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), s.Addr().Port()).String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

// closedByServer waits for the end of a connection, whatever comes before it.
func closedByServer(t testing.TB, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	var timeout net.Error
	if _, err := io.Copy(io.Discard, conn); errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the server did not close the connection")
	}
}

func TestTCPNeedsICEFirst(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.announce(s, h)
	p.moveToTCP()
	if err := p.handshakeFor(300 * time.Millisecond); err == nil {
		t.Error("a DTLS handshake without ICE succeeded")
	}
	eventually(t, "the handshake counted", func() bool { return s.Stats().Unvalidated > 0 })
	if sent := s.Stats().Sent; sent != 0 {
		t.Errorf("%d datagrams were sent", sent)
	}
}

// One stream that has passed ICE opens nothing for another one from the same address.
func TestTCPStreamsAreSeparate(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	p.connect(s, h)
	before := s.Stats().Unvalidated
	if _, err := dial(t, s).Write(appendFrame(nil, nil, p.protect(7, 1, "elsewhere"))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the packet dropped", func() bool { return s.Stats().Unvalidated == before+1 })
	if len(h.rtp) != 0 {
		t.Error("a packet of another stream was accepted")
	}
}

func TestTCPFramesInPieces(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	p.connect(s, h)
	var bytes []byte
	for seq := range uint16(50) {
		bytes = append(bytes, 0, 0) // an empty frame is no error
		bytes = appendFrame(bytes, nil, p.protect(7, seq, strings.Repeat("x", int(seq)*20)))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for len(bytes) > 0 {
		n := min(len(bytes), 1+random.IntN(700))
		if _, err := p.socket.Write(bytes[:n]); err != nil {
			t.Fatal(err)
		}
		bytes = bytes[n:]
	}
	for seq := range 50 {
		if got := receive(t, "HandleRTP", h.rtp); int(got.header.SequenceNumber) != seq || len(got.payload) != seq*20 {
			t.Fatalf("packet %d arrived as %d with %d bytes", seq, got.header.SequenceNumber, len(got.payload))
		}
	}
}

func TestTCPMalformedFraming(t *testing.T) {
	s := listen(t, Config{})
	for name, garbage := range map[string][]byte{
		"HTTP": []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "TLS": {0x16, 3, 1, 2, 0, 1, 0}, "giant": {0xff, 0xff, 1, 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.Stats().Malformed
			conn := dial(t, s)
			conn.Write(garbage)
			closedByServer(t, conn)
			if got := s.Stats().Malformed - before; got == 0 {
				t.Error("nothing was counted")
			}
		})
	}
	eventually(t, "no stream is left", func() bool { return s.Stats().Streams == 0 })
}

func TestTCPStrangersAreSentAway(t *testing.T) {
	s := listen(t, Config{tcp: tcpLimits{streams: 100, strangers: 100, perOrigin: 100, strangerFor: 300 * time.Millisecond}})
	silent, slow, chatty := dial(t, s), dial(t, s), dial(t, s)
	stop := make(chan struct{})
	defer close(stop)
	drip := func(conn net.Conn, piece []byte) {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				conn.Write(piece)
			}
		}
	}
	go drip(slow, []byte{0})                                       // one byte of a frame at a time
	go drip(chatty, appendFrame(nil, nil, []byte("\x00\x01junk"))) // whole frames that prove nothing
	for _, conn := range []net.Conn{silent, slow, chatty} {
		closedByServer(t, conn)
	}
	eventually(t, "no stream is left", func() bool { return s.Stats().Streams == 0 })
}

func TestTCPStrangersMakeRoom(t *testing.T) {
	s := listen(t, Config{tcp: tcpLimits{streams: 100, strangers: 100, perOrigin: 3, strangerFor: time.Hour}})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	c := p.connect(s, h)
	var strangers []*net.TCPConn
	for i := range 5 {
		strangers = append(strangers, dial(t, s))
		eventually(t, "accepted", func() bool { return s.Stats().Accepted == uint64(2+i) })
	}
	closedByServer(t, strangers[0])
	closedByServer(t, strangers[1])
	eventually(t, "the others stay", func() bool { return s.Stats().Streams == 4 })
	p.hears(c, s, "undisturbed")
}

func TestTCPLimitInTotal(t *testing.T) {
	s := listen(t, Config{tcp: tcpLimits{streams: 2, strangers: 100, perOrigin: 100, strangerFor: time.Hour}})
	dial(t, s)
	dial(t, s)
	eventually(t, "accepted", func() bool { return s.Stats().Accepted == 2 })
	closedByServer(t, dial(t, s))
	if got := s.Stats(); got.Refused != 1 || got.Streams != 2 {
		t.Errorf("%+v", got)
	}
}

func TestTCPStreamEndsWithItsConnection(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	c := p.connect(s, h)
	c.Close()
	eventually(t, "no stream is left", func() bool { return s.Stats().Streams == 0 })
}

// A peer that reads nothing loses its own media. Nobody waits for it.
func TestTCPSlowPeer(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	c := p.connect(s, h)
	stuck := dial(t, s)
	stuck.SetReadBuffer(4 << 10)
	if _, err := stuck.Write(appendFrame(nil, nil, check(c, useCandidate))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other stream is in use", func() bool {
		c.out.mu.Lock()
		defer c.out.mu.Unlock()
		return int(c.out.to.port) == stuck.LocalAddr().(*net.TCPAddr).Port
	})
	other, otherHandler := newPeer(t, s), newRecorder()
	d := other.connect(s, otherHandler)
	b := s.NewBatch()
	header := rtp.Header{Version: 2, SSRC: 9}
	for i := 0; s.Stats().SendDropped < 100; i++ { // ends only because writing to a full stream does not wait
		header.SequenceNumber++
		if err := c.WriteRTP(b, &header, make([]byte, 1100)); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			b.Flush()
		}
		if i > 1_000_000 {
			t.Fatal("nothing is ever dropped")
		}
	}
	other.hears(d, s, "undisturbed")
}

func TestQueueDropsWhatIsTooOld(t *testing.T) {
	var q queue
	s := listen(t, Config{})
	q.init(s)
	q.put(nil, []byte("old"), 0)
	q.put(nil, []byte("old"), maxQueueAge)
	q.put(nil, []byte("new"), maxQueueAge+1)
	if framed, frames, _ := q.take(nil); frames != 1 || string(framed) != "\x00\x03new" {
		t.Errorf("%d frames wait: %q", frames, framed)
	}
	if got := s.Stats().SendDropped; got != 2 {
		t.Errorf("%d were dropped, want 2", got)
	}
	q.close()
	q.put(nil, []byte("after the end"), 0)
	if framed, _, closed := q.take(nil); len(framed) != 0 || !closed {
		t.Errorf("%q was queued after the end", framed)
	}
}

func TestSendingOverTCPCostsNoAllocations(t *testing.T) {
	s := listen(t, Config{})
	p, h := newPeer(t, s), newRecorder()
	p.moveToTCP()
	c := p.connect(s, h, 0x0007) // AES-128-GCM
	eventually(t, "the handshake is over", func() bool { return s.Stats().Conns == 1 })
	b := s.NewBatch()
	header := rtp.Header{Version: 2, SSRC: 9}
	send := func() {
		header.SequenceNumber++
		if err := c.WriteRTP(b, &header, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		b.Flush()
	}
	for range 2000 { // until the buffers have grown
		send()
	}
	if n := testing.AllocsPerRun(1000, send); n >= 1 && !raceDetector {
		t.Errorf("%v allocations for each packet", n)
	}
}

func TestTCPPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var log bytes.Buffer
	s := listen(t, Config{Listen: taken.Addr().String(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if s.TCP() || !strings.Contains(log.String(), "media over TCP is off") || !strings.Contains(log.String(), "in use") {
		t.Errorf("TCP %v, log %q", s.TCP(), log.String())
	}
	for _, c := range s.Candidates() {
		if c.Protocol != "udp" {
			t.Errorf("announces %+v", c)
		}
	}
	p, h := newPeer(t, s), newRecorder()
	p.connect(s, h) // UDP works
}

// FuzzFraming gives a stream any bytes in any pieces: what is taken apart must be what was put together.
func FuzzFraming(f *testing.F) {
	f.Add([]byte{0, 1, 'x', 0, 0, 0, 2, 'y', 'z'}, uint8(3))
	f.Add([]byte{0xff, 0xff, 1}, uint8(1))
	f.Add([]byte{8, 1}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		var whole [][]byte
		rest, err := b, error(nil)
		for {
			var frame []byte
			if frame, rest, err = nextFrame(rest); frame == nil {
				break
			}
			if len(frame) > maxDatagram || len(frame) != int(binary.BigEndian.Uint16(appendFrame(nil, nil, frame))) {
				t.Fatalf("a frame of %d bytes", len(frame))
			}
			whole = append(whole, frame)
		}
		if err == nil && len(rest) >= frameHeader+maxDatagram {
			t.Fatal("a whole frame is left")
		}
		var held []byte
		for at := 0; at < len(b); at += int(piece) + 1 {
			held = append(held, b[at:min(len(b), at+int(piece)+1)]...)
			for {
				frame, after, stop := nextFrame(held)
				held = append([]byte(nil), after...)
				if stop != nil {
					if err == nil {
						t.Fatal("only in pieces it is an error")
					}
					return
				}
				if frame == nil {
					break
				}
				if len(whole) == 0 || !bytes.Equal(frame, whole[0]) {
					t.Fatal("in pieces it is another frame")
				}
				whole = whole[1:]
			}
		}
		if len(whole) != 0 || err != nil {
			t.Fatalf("in pieces %d frames are missing, error %v", len(whole), err)
		}
	})
}
