package signaling

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

// hand is a request whose connection is one end of a pipe, which holds nothing: a write waits for its reader.
type hand struct {
	*httptest.ResponseRecorder
	end   net.Conn
	early string // what the client has sent behind its request
}

func (h hand) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	reader := bufio.NewReader(io.MultiReader(bytes.NewReader([]byte(h.early)), h.end))
	_, err := reader.Peek(len(h.early))
	return h.end, bufio.NewReadWriter(reader, bufio.NewWriter(h.end)), err
}

// newLine is a session and the client's end of its connection. Nobody reads at either end yet.
func newLine(t *testing.T, server *Server, early string) (*session, net.Conn) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/signal/c", nil)
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(name, value)
	}
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	s := newSession(server, r)
	var err error
	if s.socket, err = accept(hand{httptest.NewRecorder(), ours, early}, r, s.pong); err != nil {
		t.Fatal(err)
	}
	s.open()
	t.Cleanup(s.finish)
	return s, theirs
}

func newTestServer() *Server { return New(Config{Logger: slog.New(slog.DiscardHandler)}) }

// wantBytes reads as much as it wants from the client's end.
func wantBytes(t *testing.T, client net.Conn, want []byte) {
	t.Helper()
	client.SetReadDeadline(time.Now().Add(10 * time.Second))
	got := make([]byte, len(want))
	if _, err := io.ReadFull(client, got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("got %d other bytes than those sent", len(got))
	}
}

// packets are n of that size, all different.
func packets(n, size int) (list [][]byte) {
	for i := range n {
		list = append(list, append(bytes.Repeat([]byte{byte(i)}, size), byte(i>>8)))
	}
	return list
}

func TestQueuedPacketsArriveInOrder(t *testing.T) {
	for name, list := range map[string][][]byte{
		"short":  packets(500, 100),
		"long":   packets(5, maxTogether+1),
		"fits":   packets(3, maxTogether/2),
		"single": packets(1, 10),
	} {
		t.Run(name, func(t *testing.T) {
			s, client := newLine(t, newTestServer(), "")
			for _, p := range list {
				s.put(p)
			}
			wantBytes(t, client, bytes.Join(list, nil))
			s.put([]byte("later"))
			wantBytes(t, client, []byte("later"))
		})
	}
}

// What a room says to several is encoded once, and each of them gets it once. Who does not read holds up nobody, and is
// cut off in the end.
func TestSlowReaderIsCutOff(t *testing.T) {
	server := newTestServer()
	slow, dead := newLine(t, server, "")
	fast, client := newLine(t, server, "")
	var all []byte
	for i := range 2*maxQueued + 1 { // as many as wait, behind as many as its writer may have taken before it got stuck
		told := &rooms.Shared[[]rooms.Volume]{Value: []rooms.Volume{{AudioStreamID: uint32(i), Attenuation: 7}}}
		observer{slow}.Volumes(told)
		observer{fast}.Volumes(told)
		packet := told.Words(func([]rooms.Volume) []byte { t.Fatal("it is encoded again"); return nil })
		wantBytes(t, client, packet)
		all = append(all, packet...)
	}
	slow.mu.Lock()
	if !slow.over || len(slow.queue) > 0 {
		t.Errorf("over: %v, and %d packets wait for who does not read", slow.over, len(slow.queue))
	}
	slow.mu.Unlock()
	dead.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, err := io.ReadAll(dead)
	if err != nil || !bytes.HasPrefix(all, got) {
		t.Errorf("who did not read got %d bytes, %v", len(got), err)
	}
}

// The ending of a session comes after what was said before it.
func TestEndingWaitsForTheQueue(t *testing.T) {
	s, client := newLine(t, newTestServer(), "")
	list := packets(3, 50)
	for _, p := range list {
		s.put(p)
	}
	s.end(ending{code: closeRetry, reason: "come again"})
	s.end(ending{code: closeEnded})
	wantBytes(t, client, bytes.Join(list, nil))
	wantBytes(t, client, append([]byte{0x88, 12, 4500 >> 8, 4500 & 0xff}, "come again"...))
	client.Close()
}

func TestPing(t *testing.T) {
	s, client := newLine(t, newTestServer(), "")
	s.ping()
	wantBytes(t, client, []byte{0x89, 1, 1})
	s.pong(nil)
	s.pong([]byte{9})
	if !s.pinging {
		t.Error("another pong counts as the answer")
	}
	s.pong([]byte{1})
	s.ping()
	wantBytes(t, client, []byte{0x89, 1, 2})
	s.ping() // it has not answered
	if n, err := client.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came after the connection should have ended", n)
	}
}

// What a client sends before it has our answer is not lost.
func TestEarlyFrame(t *testing.T) {
	const binary, masked = 0x82, 0x80
	s, _ := newLine(t, newTestServer(), string([]byte{binary, masked | 1, 0, 0, 0, 0, 'x'}))
	kind, message, err := s.socket.Read(t.Context())
	if kind != websocket.MessageBinary || string(message) != "x" || err != nil {
		t.Errorf("%v %q, %v", kind, message, err)
	}
}

func TestNothingIsPackedIncomplete(t *testing.T) {
	s, _ := newLine(t, newTestServer(), "")
	s.send(&signalpb.SdkSignalFrame{})
	if len(s.queue) > 0 || s.writing {
		t.Error("a frame without a type is sent")
	}
}
