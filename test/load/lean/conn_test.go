package lean

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"

	"carillon/internal/media/transport"
	"carillon/test/load/sound"
)

// echo is a server that sends everything back, on another SSRC as servers do.
type echo struct{ conn *transport.Conn }

func (e *echo) HandleRTP(b *transport.Batch, h *rtp.Header, payload []byte, _ int64) {
	out := rtp.Header{Version: 2, SSRC: h.SSRC + 1, PayloadType: h.PayloadType, SequenceNumber: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker}
	_ = e.conn.WriteRTP(b, &out, payload) // what is lost shows in the counts
}
func (e *echo) HandleRTCP(*transport.Batch, []byte, int64) {}
func (e *echo) HandleConnected()                           {}
func (e *echo) HandleClosed(error)                         {}

// connect makes a client of an echo.
func connect(t *testing.T, e *Engine, server *transport.Server, hear func([]byte, int64)) *Conn {
	t.Helper()
	c := e.NewConn()
	c.Listen(hear)
	handler := &echo{}
	far, err := server.NewConn(transport.ConnConfig{
		RemoteUfrag: c.Ufrag, RemotePwd: c.Pwd, Handler: handler,
		RemoteFingerprints: []transport.Fingerprint{{Algorithm: "sha-256", Value: e.Fingerprint()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler.conn = far
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), server.Addr().Port())
	if err := c.Connect(ctx, Remote{Addr: addr, Ufrag: far.LocalUfrag(), Pwd: far.LocalPwd(), AudioPT: OpusPT, VideoPT: VP8PT}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMediaGoesAndComes(t *testing.T) {
	server, err := transport.Listen(transport.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	heard := make(chan int, 1000)
	c := connect(t, e, server, func(payload []byte, _ int64) {
		select {
		case heard <- len(payload):
		default:
		}
	})
	video := c.AddFlow(FlowConfig{SSRC: 10, PT: VP8PT, BitrateBps: 1_200_000, Width: 640, Height: 360, TransportExt: TransportExt})
	audio := c.AddFlow(FlowConfig{SSRC: 20, PT: OpusPT, Audio: true, Sound: sound.Speech(), LevelExt: LevelExt})
	if video.Sent()+audio.Sent() != 0 {
		t.Error("media flows before it may")
	}
	e.Send(true)
	want := len(sound.Speech()[0].Payload)
	select {
	case n := <-heard:
		if n != want {
			t.Errorf("the first sound has %d bytes, not %d", n, want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no sound came back")
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n := c.Counts()
		if n.VideoDelay.Count() >= 3 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("too little video came back: %d packets", n.Video)
		}
	}
	e.Send(false)
	n := c.Counts()
	if n.Forged != 0 || n.Streams != 2 || n.VideoStreams != 1 {
		t.Errorf("%d forged packets, %d streams, %d videos", n.Forged, n.Streams, n.VideoStreams)
	}
	if n.Video > video.Sent() || n.Audio > audio.Sent() {
		t.Errorf("more came back (%d, %d) than was sent (%d, %d)", n.Video, n.Audio, video.Sent(), audio.Sent())
	}
	if c.Profile() != 7 {
		t.Errorf("protection profile %d, not AES-128-GCM", c.Profile())
	}
}

func TestConnectGivesUp(t *testing.T) {
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	nobody := netip.MustParseAddrPort("127.0.0.1:9")
	if err := e.NewConn().Connect(ctx, Remote{Addr: nobody, Ufrag: "abcd", Pwd: "abcdefghijklmnopqrstuv"}); err == nil {
		t.Error("connected to nobody")
	}
}
