package servertest

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

// Lean is a client that costs little, for tests with very many of them: it speaks the protocols and nothing more. It
// sends audio and video from its first SUBSCRIBE on and can be sent one video. It reports errors instead of ending
// the test, so that it can be used on any goroutine; one at a time.
type Lean struct {
	*leanMedia
	StreamID uint32 // of its camera

	socket *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
}

// EnterLean joins, negotiates, asks for the video of that stream id unless it is 0, and brings the media connection up.
func EnterLean(ctx context.Context, ticket Ticket, session uint64, watch uint32) (l *Lean, err error) {
	l = new(Lean)
	l.ctx, l.cancel = context.WithTimeout(ctx, time.Minute)
	defer func() {
		if err != nil {
			l.Cut()
		}
	}()
	l.socket, _, err = websocket.Dial(l.ctx, ticket.SignalingURL+"?X-Chime-Control-Protocol-Version=3", &websocket.DialOptions{
		Subprotocols: []string{"_aws_wt_session", ticket.Token},
	})
	if err != nil {
		return l, fmt.Errorf("dial: %w", err)
	}
	l.socket.SetReadLimit(frame.MaxSize)
	join := &signalpb.SdkJoinFrame{ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(session)}
	if err = l.send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_JOIN.Enum(), Join: join}); err != nil {
		return l, fmt.Errorf("JOIN: %w", err)
	}
	if l.leanMedia, err = newLeanMedia(); err != nil {
		return l, err
	}
	answer, err := l.subscribe(watch)
	if err != nil {
		return l, fmt.Errorf("SUBSCRIBE: %w", err)
	}
	return l, l.connect(l.ctx, answer)
}

func (l *Lean) send(f *signalpb.SdkSignalFrame) error {
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	message, err := frame.Encode(f)
	if err != nil {
		return err
	}
	return l.socket.Write(l.ctx, websocket.MessageBinary, message)
}

// until reads frames until one of the type comes.
func (l *Lean) until(kind signalpb.SdkSignalFrame_Type) (*signalpb.SdkSignalFrame, error) {
	for {
		_, message, err := l.socket.Read(l.ctx)
		if err != nil {
			return nil, fmt.Errorf("waiting for %v: %w", kind, err)
		}
		f, err := frame.Decode(message)
		if err != nil {
			return nil, err
		}
		if f.GetType() == kind {
			return f, nil
		}
	}
}

// Drain reads whatever comes until the connection ends.
func (l *Lean) Drain() {
	for {
		if _, _, err := l.socket.Read(l.ctx); err != nil {
			return
		}
	}
}

func (l *Lean) subscribe(watch uint32) (answer string, err error) {
	err = l.send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_SUBSCRIBE.Enum(), Sub: &signalpb.SdkSubscribeFrame{
		Duplex: signalpb.SdkStreamServiceType_DUPLEX.Enum(), SdpOffer: proto.String(l.offer()), AudioMuted: proto.Bool(false),
		ReceiveStreamIds: []uint32{0, watch},
		SendStreams: []*signalpb.SdkStreamDescriptor{{
			MediaType: signalpb.SdkStreamMediaType_VIDEO.Enum(), StreamId: proto.Uint32(2), GroupId: proto.Uint32(2), MaxBitrateKbps: proto.Uint32(600),
		}},
	}})
	if err != nil {
		return "", err
	}
	ack, err := l.until(signalpb.SdkSignalFrame_SUBSCRIBE_ACK)
	if err != nil {
		return "", err
	}
	sub := ack.GetSuback()
	if len(sub.GetAllocations()) == 0 {
		return "", fmt.Errorf("no camera: %v", ack.GetError())
	}
	l.StreamID = sub.GetAllocations()[0].GetStreamId()
	if watch != 0 {
		if len(sub.GetTracks()) != 1 {
			return "", fmt.Errorf("%d videos instead of one", len(sub.GetTracks()))
		}
		l.watched = sub.GetTracks()[0].GetSsrc()
	}
	return sub.GetSdpAnswer(), nil
}

// Leave leaves in order. Close closes the socket only, as a page that is closed does; Cut drops everything, as a
// network that dies does. After Hang the media connection has been ended, and signaling goes on.
func (l *Lean) Leave() error {
	if err := l.send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_LEAVE.Enum(), Leave: &signalpb.SdkLeaveFrame{}}); err != nil {
		return err
	}
	if _, err := l.until(signalpb.SdkSignalFrame_LEAVE_ACK); err != nil {
		return err
	}
	l.Close()
	return nil
}

// Close: see Leave.
func (l *Lean) Close() {
	_ = l.socket.Close(websocket.StatusNormalClosure, "") // the server may be faster
	l.Cut()
}

// Cut: see Leave.
func (l *Lean) Cut() {
	if l.socket != nil {
		l.socket.CloseNow()
	}
	if l.leanMedia != nil {
		l.leanMedia.close()
	}
	l.cancel()
}

// Hang: see Leave.
func (l *Lean) Hang() { _ = l.session.Close() }

var answerLine = regexp.MustCompile(`(?m)^a=(ice-ufrag|ice-pwd|candidate):(.*?)\r?$`)

// where finds the credentials and the UDP address in an answer.
func where(answer string) (ufrag, pwd string, to *net.UDPAddr, err error) {
	for _, m := range answerLine.FindAllStringSubmatch(answer, -1) {
		switch m[1] {
		case "ice-ufrag":
			ufrag = m[2]
		case "ice-pwd":
			pwd = m[2]
		default:
			if f := strings.Fields(m[2]); to == nil && len(f) > 5 && strings.EqualFold(f[2], "udp") {
				if to, err = net.ResolveUDPAddr("udp", net.JoinHostPort(f[4], f[5])); err != nil {
					return
				}
			}
		}
	}
	if ufrag == "" || pwd == "" || to == nil {
		err = fmt.Errorf("the answer describes no connection:\n%s", answer)
	}
	return
}
