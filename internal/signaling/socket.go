package signaling

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/coder/websocket"

	"carillon/internal/signaling/frame"
)

// socket is the WebSocket of a session. The library shakes hands, reads, and answers control frames. What the server
// has to say is written past it, in packets that are ready for the wire: the same bytes serve many sockets then, and
// several packets leave with one system call.
type socket struct {
	*websocket.Conn
	wire net.Conn // keeps writes apart that come at the same time
}

const (
	// readBuffer takes the short frames that clients send most of the time; longer ones go past it.
	readBuffer = 256
	// controlBuffer takes any control frame, so that one is a single write.
	controlBuffer = 256
)

// accept upgrades a request. pong is called for each pong, by whoever reads.
func accept(w http.ResponseWriter, r *http.Request, pong func(payload []byte)) (*socket, error) {
	s := new(socket)
	var err error
	s.Conn, err = websocket.Accept(&hijacker{w, &s.wire}, r, &websocket.AcceptOptions{
		Subprotocols: []string{subprotocol},
		// The token is what authorises; pages of any origin may use it, as they do with the cloud service.
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionDisabled,
		OnPongReceived:     func(_ context.Context, payload []byte) { pong(payload) },
	})
	if err != nil {
		return nil, err
	}
	s.SetReadLimit(frame.MaxSize)
	return s, nil
}

// hijacker hands over the connection with small buffers: those of net/http would stay for as long as the session does.
type hijacker struct {
	http.ResponseWriter
	wire *net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, large, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	*h.wire = conn
	early, _ := large.Reader.Peek(large.Reader.Buffered()) // from a client that has not waited for the answer
	reader := bufio.NewReaderSize(bytes.NewReader(early), max(readBuffer, len(early)))
	_, _ = reader.Peek(len(early)) // the library takes what is buffered, and the rest from the connection
	return conn, bufio.NewReadWriter(reader, bufio.NewWriterSize(conn, controlBuffer)), nil
}

// maxTogether is how many bytes of packets are put together for one write.
const maxTogether = 16 << 10

var together = sync.Pool{New: func() any { b := make([]byte, 0, maxTogether); return &b }}

// send writes packets with few system calls. It waits for a client that does not read.
func (s *socket) send(packets [][]byte) error {
	for len(packets) > 0 {
		n := fitting(packets)
		if err := s.sendTogether(packets[:n]); err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}

// fitting is how many of the packets leave together, one at least.
func fitting(packets [][]byte) int {
	size := len(packets[0])
	for i, p := range packets[1:] {
		if size += len(p); size > maxTogether {
			return i + 1
		}
	}
	return len(packets)
}

func (s *socket) sendTogether(packets [][]byte) error {
	out := packets[0]
	if len(packets) > 1 {
		buffer := together.Get().(*[]byte)
		defer together.Put(buffer)
		out = (*buffer)[:0]
		for _, p := range packets {
			out = append(out, p...)
		}
	}
	_, err := s.wire.Write(out)
	return err
}

// pingPacket is a ping with a payload of one byte, which comes back in the pong (RFC 6455 section 5.5.2).
func pingPacket(number byte) []byte { return []byte{0x89, 1, number} }
