package transport

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// browser is a complete WebRTC client with one audio track in each direction.
type browser struct {
	*webrtc.PeerConnection
	track    *webrtc.TrackLocalStaticRTP
	sender   *webrtc.RTPSender
	incoming chan *rtp.Packet
	reports  chan rtcp.Packet
	states   chan webrtc.PeerConnectionState
}

const answerSSRC = 4711

func newBrowser(t *testing.T, networks ...webrtc.NetworkType) *browser {
	t.Helper()
	settings := webrtc.SettingEngine{LoggerFactory: logging.NewDefaultLoggerFactory()}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	if len(networks) == 0 {
		networks = []webrtc.NetworkType{webrtc.NetworkTypeUDP4}
	}
	settings.SetNetworkTypes(networks)
	media := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if err := media.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111},
		webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.GracefulClose() })
	w := &browser{
		PeerConnection: pc, incoming: make(chan *rtp.Packet, 64), reports: make(chan rtcp.Packet, 64),
		states: make(chan webrtc.PeerConnectionState, 16),
	}
	if w.track, err = webrtc.NewTrackLocalStaticRTP(opus, "audio", "stream"); err != nil {
		t.Fatal(err)
	}
	if w.sender, err = pc.AddTrack(w.track); err != nil {
		t.Fatal(err)
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		go func() {
			for {
				packets, _, err := receiver.ReadRTCP()
				if err != nil {
					return
				}
				for _, p := range packets {
					w.reports <- p
				}
			}
		}()
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			w.incoming <- p
		}
	})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { w.states <- state })
	return w
}

// join negotiates with a new connection of the server.
func (w *browser) join(t *testing.T, s *Server, h Handler) *Conn {
	t.Helper()
	return w.joinAs(t, s, h, nil)
}

// joinAs joins, but the server expects another certificate when one is given.
func (w *browser) joinAs(t *testing.T, s *Server, h Handler, other *Fingerprint) *Conn {
	t.Helper()
	offer, err := w.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(w.PeerConnection)
	if err := w.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	receive(t, "candidates of the client", gathered)
	text := w.LocalDescription().SDP
	algorithm, value, _ := strings.Cut(sdpLine(t, text, "a=fingerprint:"), " ")
	fingerprint := Fingerprint{algorithm, value}
	if other != nil {
		fingerprint = *other
	}
	c, err := s.NewConn(ConnConfig{
		RemoteUfrag: sdpLine(t, text, "a=ice-ufrag:"), RemotePwd: sdpLine(t, text, "a=ice-pwd:"),
		RemoteFingerprints: []Fingerprint{fingerprint}, Handler: h,
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := answerFor(s, c, sdpLine(t, text, "a=mid:"))
	if err := w.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	return c
}

func sdpLine(t *testing.T, text, prefix string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			return rest
		}
	}
	t.Fatalf("no %s in the offer", prefix)
	return ""
}

func answerFor(s *Server, c *Conn, mid string) string {
	lines := []string{
		"v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite", "a=group:BUNDLE " + mid,
		"m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:" + mid, "a=sendrecv", "a=rtcp-mux",
		"a=rtpmap:111 opus/48000/2", "a=setup:passive", "a=fingerprint:sha-256 " + s.Fingerprint(),
		"a=ice-ufrag:" + c.LocalUfrag(), "a=ice-pwd:" + c.LocalPwd(),
		fmt.Sprintf("a=ssrc:%d cname:server", answerSSRC), fmt.Sprintf("a=ssrc:%d msid:stream audio", answerSSRC),
	}
	for _, k := range s.Candidates() {
		line := fmt.Sprintf("a=candidate:%s %d %s %d %s %d typ %s",
			k.Foundation, k.Component, k.Protocol, k.Priority, k.Addr.Addr(), k.Addr.Port(), k.Type)
		if k.Protocol == "tcp" {
			line += " tcptype passive"
		}
		lines = append(lines, line)
	}
	return strings.Join(append(lines, "a=end-of-candidates"), "\r\n") + "\r\n"
}

func (w *browser) await(t *testing.T, want webrtc.PeerConnectionState) {
	t.Helper()
	for {
		if got := receive(t, "client state "+want.String(), w.states); got == want {
			return
		}
	}
}

// talk sends until the condition holds, as a microphone would.
func (w *browser) talk(t *testing.T, what string, until func() bool) {
	t.Helper()
	seq := uint16(0)
	eventually(t, what, func() bool {
		seq++
		w.track.WriteRTP(&rtp.Packet{
			Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: uint32(seq) * 960}, Payload: []byte("hello"),
		})
		return until()
	})
}

func TestWebRTCClient(t *testing.T) {
	for name, test := range map[string]struct {
		listenOn string
		network  webrtc.NetworkType
		streams  int
	}{
		"one address":   {"127.0.0.1:0", webrtc.NetworkTypeUDP4, 0},
		"all addresses": {":0", webrtc.NetworkTypeUDP4, 0},
		"TCP only":      {"127.0.0.1:0", webrtc.NetworkTypeTCP4, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, Config{Listen: test.listenOn, IncludeLoopback: true})
			w, h := newBrowser(t, test.network), newRecorder()
			c := w.join(t, s, h)
			receive(t, "HandleConnected", h.connected)
			w.await(t, webrtc.PeerConnectionStateConnected)
			if got := s.Stats().Streams; (got > 0) != (test.streams > 0) {
				t.Errorf("%d TCP connections", got)
			}

			w.talk(t, "RTP from the client", func() bool { return len(h.rtp) > 0 })
			if got := receive(t, "HandleRTP", h.rtp); string(got.payload) != "hello" || got.header.PayloadType != 111 {
				t.Errorf("received %+v %q", got.header, got.payload)
			}
			b := s.NewBatch()
			header := rtp.Header{Version: 2, PayloadType: 111, SSRC: answerSSRC}
			eventually(t, "RTP from the server", func() bool {
				header.SequenceNumber++
				header.Timestamp += 960
				if err := c.WriteRTP(b, &header, []byte("welcome")); err != nil {
					t.Fatal(err)
				}
				b.Flush()
				return len(w.incoming) > 0
			})
			if got := receive(t, "RTP", w.incoming); string(got.Payload) != "welcome" || got.SSRC != answerSSRC {
				t.Errorf("the client got %v", got)
			}

			nack := &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: answerSSRC, Nacks: []rtcp.NackPair{{PacketID: 3}}}
			if err := w.WriteRTCP([]rtcp.Packet{nack}); err != nil {
				t.Fatal(err)
			}
			packets, err := rtcp.Unmarshal(receive(t, "HandleRTCP", h.rtcp))
			if err != nil || fmt.Sprint(packets) != fmt.Sprint([]rtcp.Packet{nack}) {
				t.Errorf("received RTCP %v, %v", packets, err)
			}
			report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: answerSSRC, PacketCount: 5}})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.WriteRTCP(b, report); err != nil {
				t.Fatal(err)
			}
			b.Flush()
			if got, ok := receive(t, "RTCP", w.reports).(*rtcp.SenderReport); !ok || got.PacketCount != 5 {
				t.Errorf("the client got %v", got)
			}

			c.Close()
			w.await(t, webrtc.PeerConnectionStateClosed) // it took our close_notify for the end
		})
	}
}

func TestWebRTCClientLeaves(t *testing.T) {
	s := listen(t, Config{})
	w, h := newBrowser(t), newRecorder()
	w.join(t, s, h)
	receive(t, "HandleConnected", h.connected)
	w.await(t, webrtc.PeerConnectionStateConnected)
	start := time.Now()
	if err := w.GracefulClose(); err != nil {
		t.Fatal(err)
	}
	receive(t, "HandleClosed", h.closed)
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("the end was noticed after %v", d)
	}
}

func TestWebRTCClientWithTheWrongCertificate(t *testing.T) {
	s := listen(t, Config{})
	w, h := newBrowser(t), newRecorder()
	w.joinAs(t, s, h, &newPeer(t, s).fingerprint)
	if err := receive(t, "HandleClosed", h.closed); !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("closed because of %v", err)
	}
	for {
		switch receive(t, "end of the client", w.states) {
		case webrtc.PeerConnectionStateConnected:
			t.Fatal("the client believes to be connected")
		case webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateFailed:
			return
		}
	}
}
