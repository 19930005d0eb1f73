package servertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

// Patience is how long tests wait for what must come.
const Patience = 15 * time.Second

// Signal is a signaling connection that speaks frames. It is for one goroutine.
type Signal struct {
	t      testing.TB
	socket *websocket.Conn

	serverSide bool                             // JOIN says that the server may adapt
	changes    []*signalpb.SdkAudioStreamIdInfo // see UntilRoster
}

// Dial opens a signaling connection the way browsers do.
func Dial(t testing.TB, ticket Ticket) *Signal {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, ticket.SignalingURL+"?X-Chime-Control-Protocol-Version=3", &websocket.DialOptions{
		Subprotocols: []string{"_aws_wt_session", ticket.Token},
	})
	if err != nil {
		t.Fatalf("cannot open the signaling connection: %v", err)
	}
	if socket.Subprotocol() != "_aws_wt_session" {
		t.Fatalf("selected subprotocol %q", socket.Subprotocol())
	}
	socket.SetReadLimit(frame.MaxSize)
	s := &Signal{t: t, socket: socket}
	t.Cleanup(func() { socket.CloseNow() })
	return s
}

// Send sends one frame.
func (s *Signal) Send(f *signalpb.SdkSignalFrame) {
	s.t.Helper()
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	message, err := frame.Encode(f)
	if err != nil {
		s.t.Fatal(err)
	}
	s.SendRaw(message)
}

// SendRaw sends one binary message as it is.
func (s *Signal) SendRaw(message []byte) {
	s.t.Helper()
	if err := s.socket.Write(s.t.Context(), websocket.MessageBinary, message); err != nil {
		s.t.Fatalf("cannot send: %v", err)
	}
}

// SendText sends one text message, which no client of the protocol does.
func (s *Signal) SendText(message string) {
	s.t.Helper()
	if err := s.socket.Write(s.t.Context(), websocket.MessageText, []byte(message)); err != nil {
		s.t.Fatalf("cannot send: %v", err)
	}
}

// Flood sends a message up to n times as fast as it can, and returns the code with which the server closes.
func (s *Signal) Flood(message []byte, n int) websocket.StatusCode {
	s.t.Helper()
	var sending sync.WaitGroup
	sending.Go(func() {
		for range n {
			if s.socket.Write(s.t.Context(), websocket.MessageBinary, message) != nil {
				return // it was closed
			}
		}
	})
	defer sending.Wait()
	return s.ExpectClose()
}

// Ping asks for an answer and waits for it. Since the server handles the frames of a connection in order,
// everything sent before has been handled then.
func (s *Signal) Ping(id uint32) {
	s.t.Helper()
	s.Send(&signalpb.SdkSignalFrame{
		Type:     signalpb.SdkSignalFrame_PING_PONG.Enum(),
		PingPong: &signalpb.SdkPingPongFrame{Type: signalpb.SdkPingPongType_PING.Enum(), PingId: proto.Uint32(id)},
	})
	s.Until("PONG", func(f *signalpb.SdkSignalFrame) bool {
		return f.GetPingPong().GetType() == signalpb.SdkPingPongType_PONG && f.GetPingPong().GetPingId() == id
	})
}

// UntilRoster reads until a roster change is accepted and returns it. Changes that came with it are left for the next
// time.
func (s *Signal) UntilRoster(what string, accept func(*signalpb.SdkAudioStreamIdInfo) bool) *signalpb.SdkAudioStreamIdInfo {
	s.t.Helper()
	for {
		for len(s.changes) > 0 {
			entry := s.changes[0]
			s.changes = s.changes[1:]
			if accept(entry) {
				return entry
			}
		}
		f := s.Until(what, func(f *signalpb.SdkSignalFrame) bool { return f.AudioStreamIdInfo != nil })
		s.changes = f.GetAudioStreamIdInfo().GetStreams()
	}
}

// Expect reads until a frame of the type comes and returns it.
func (s *Signal) Expect(want signalpb.SdkSignalFrame_Type) *signalpb.SdkSignalFrame {
	s.t.Helper()
	return s.Until(want.String(), func(f *signalpb.SdkSignalFrame) bool { return f.GetType() == want })
}

// Until reads until a frame is accepted and returns it.
func (s *Signal) Until(what string, accept func(*signalpb.SdkSignalFrame) bool) *signalpb.SdkSignalFrame {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), Patience)
	defer cancel()
	for {
		_, message, err := s.socket.Read(ctx)
		if err != nil {
			s.t.Fatalf("no %s came: %v", what, err)
		}
		f, err := frame.Decode(message)
		if err != nil {
			s.t.Fatalf("the server sent a bad frame: %v", err)
		}
		if accept(f) {
			return f
		}
	}
}

// ExpectClose reads until the server closes and returns the close code.
func (s *Signal) ExpectClose() websocket.StatusCode {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), Patience)
	defer cancel()
	for {
		if _, _, err := s.socket.Read(ctx); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				s.t.Fatal("the server did not close the connection")
			}
			return websocket.CloseStatus(err)
		}
	}
}

// Close closes in order; Cut drops the connection as a dead network does.
func (s *Signal) Close() { s.socket.Close(websocket.StatusNormalClosure, "") }

// Cut closes the TCP connection without a word.
func (s *Signal) Cut() { s.socket.CloseNow() }

// Join sends JOIN and reads JOIN_ACK and the first INDEX.
func (s *Signal) Join(session uint64) (ack, index *signalpb.SdkSignalFrame) {
	s.t.Helper()
	s.SendJoin(session)
	return s.Expect(signalpb.SdkSignalFrame_JOIN_ACK), s.Expect(signalpb.SdkSignalFrame_INDEX)
}

// SendJoin sends JOIN.
func (s *Signal) SendJoin(session uint64) {
	s.t.Helper()
	join := &signalpb.SdkJoinFrame{ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(session)}
	if s.serverSide {
		join.SupportedServerSideNetworkAdaptions = []signalpb.SdkServerSideNetworkAdaption{
			signalpb.SdkServerSideNetworkAdaption_NONE, signalpb.SdkServerSideNetworkAdaption_BANDWIDTH_PROBING,
			signalpb.SdkServerSideNetworkAdaption_BANDWIDTH_PROBING_AND_VIDEO_QUALITY_ADAPTION,
		}
	}
	s.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_JOIN.Enum(), Join: join})
}
