package servertest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"carillon/internal/media/sdp"
)

// Peer is the media side of a client: a complete WebRTC implementation that shares no code with the
// server's. It has a microphone that never stops, and a camera when asked for. Its methods are for one
// goroutine; Close, or the end of the test, ends its goroutines.
type Peer struct {
	t  testing.TB
	pc *webrtc.PeerConnection

	microphone *webrtc.TrackLocalStaticRTP // nil in a session without audio
	red        bool                        // the microphone sends redundant audio data
	channels   int                         // of the microphone
	pitch      [2]atomic.Int64             // of each channel of the microphone in Hz, 0 = silence
	camera     *Camera                     // nil until it is switched on
	simulcast  *Simulcast                  // nil until it is switched on
	videoCodec webrtc.RTPCodecCapability
	line       *Line // nil = straight to the server
	receiving  map[*webrtc.RTPTransceiver]uint32
	nat        *NAT // nil: none in between

	arrived chan *Stream
	streams []*Stream // those taken from arrived
	started bool
	cancel  context.CancelFunc
	ctx     context.Context
	work    sync.WaitGroup
}

// Stream is one sequence of packets that the server sends.
type Stream struct {
	t       testing.TB
	Kind    webrtc.RTPCodecType
	SSRC    uint32
	packets chan *rtp.Packet
}

// streamBuffer holds more packets than a test lets pile up; what does not fit is lost.
const streamBuffer = 1 << 14

// Payload types of a Peer's audio.
const (
	opusType = 111
	redType  = 63
)

// The codecs of a Peer, in the form that the server forwards.
var (
	opusCodec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1"}
	// What the music profile of clients makes of it.
	stereoCodec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		SDPFmtpLine: opusCodec.SDPFmtpLine + ";maxaveragebitrate=128000;stereo=1;sprop-stereo=1"}
	redCodec = webrtc.RTPCodecCapability{MimeType: "audio/red", ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111"}
	vp8Codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}}
)

// newPeer makes a client on the loopback interface.
func newPeer(t testing.TB, audio bool, a access) *Peer {
	t.Helper()
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	settings.SetNetworkTypes([]webrtc.NetworkType{a.network})
	codecs := &webrtc.MediaEngine{}
	opus := opusCodec
	if a.stereo {
		opus = stereoCodec
	}
	format := opus
	if a.red {
		format = redCodec
		must(t, codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: redCodec, PayloadType: redType}, webrtc.RTPCodecTypeAudio))
	}
	must(t, codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: opusType}, webrtc.RTPCodecTypeAudio))
	interceptors, video := &interceptor.Registry{}, vp8Codec
	if a.options.Feedback {
		video.RTCPFeedback = append(slices.Clone(video.RTCPFeedback), webrtc.RTCPFeedback{Type: "goog-remb"})
		registerFeedback(t, codecs, interceptors)
	}
	must(t, codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: video, PayloadType: 96}, webrtc.RTPCodecTypeVideo))
	if a.options.Feedback {
		must(t, codecs.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: rtxCodec, PayloadType: 97}, webrtc.RTPCodecTypeVideo))
		must(t, webrtc.ConfigureTWCCSender(codecs, interceptors))
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(codecs), webrtc.WithInterceptorRegistry(interceptors))
	pc, err := api.NewPeerConnection(a.configuration())
	must(t, err)
	p := &Peer{
		t: t, pc: pc, videoCodec: video, receiving: make(map[*webrtc.RTPTransceiver]uint32), arrived: make(chan *Stream, 64),
		nat: a.nat, line: a.options.Line,
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	t.Cleanup(p.Close)
	pc.OnTrack(p.receive)
	if audio {
		p.red, p.channels = a.red, 1
		if a.stereo {
			p.channels = 2
		}
		p.microphone, err = webrtc.NewTrackLocalStaticRTP(format, "microphone", "me")
		must(t, err)
		_, err = pc.AddTrack(p.microphone)
		must(t, err)
	}
	return p
}

var rtxCodec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}

// registerFeedback makes a client ask for lost packets and tell encodings of simulcast apart, as browsers do.
func registerFeedback(t testing.TB, codecs *webrtc.MediaEngine, interceptors *interceptor.Registry) {
	t.Helper()
	for _, uri := range []string{sdp.ExtensionMID, sdp.ExtensionRID, sdp.ExtensionRepairedRID} {
		must(t, codecs.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	responder, err := nack.NewResponderInterceptor()
	must(t, err)
	generator, err := nack.NewGeneratorInterceptor()
	must(t, err)
	interceptors.Add(responder)
	interceptors.Add(generator)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Close ends the connection in order. It may be called twice.
func (p *Peer) Close() {
	p.cancel()
	p.work.Wait()
	_ = p.pc.GracefulClose() // it has no failure that matters to a test
}

// receive reads one incoming track until the connection ends. It runs on a goroutine of the library.
func (p *Peer) receive(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	s := &Stream{t: p.t, Kind: track.Kind(), SSRC: uint32(track.SSRC()), packets: make(chan *rtp.Packet, streamBuffer)}
	p.arrived <- s
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		select {
		case s.packets <- packet:
		default:
		}
	}
}

// Audio waits for the one audio stream.
func (p *Peer) Audio() *Stream {
	p.t.Helper()
	return p.await("audio", func(s *Stream) bool { return s.Kind == webrtc.RTPCodecTypeAudio })
}

// Video waits for the video stream of that SSRC, which SUBSCRIBE_ACK tells.
func (p *Peer) Video(ssrc uint32) *Stream {
	p.t.Helper()
	return p.await("video", func(s *Stream) bool { return s.SSRC == ssrc })
}

func (p *Peer) await(what string, is func(*Stream) bool) *Stream {
	p.t.Helper()
	deadline := time.After(Patience)
	for {
		if i := slices.IndexFunc(p.streams, is); i >= 0 {
			return p.streams[i]
		}
		select {
		case s := <-p.arrived:
			p.streams = append(p.streams, s)
		case <-deadline:
			p.t.Fatalf("no %s arrived in %v", what, Patience)
		}
	}
}

// Next returns the next packet.
func (s *Stream) Next() *rtp.Packet {
	s.t.Helper()
	select {
	case packet := <-s.packets:
		return packet
	case <-time.After(Patience):
		s.t.Fatalf("no packet of the %s stream %d in %v", s.Kind, s.SSRC, Patience)
		return nil
	}
}

// Waiting is the number of packets that have arrived and were not read yet.
func (s *Stream) Waiting() int { return len(s.packets) }

// Skip forgets the packets that have arrived so far.
func (s *Stream) Skip() {
	for {
		select {
		case <-s.packets:
		default:
			return
		}
	}
}

// RequestKeyFrame asks for a key frame of a received video.
func (p *Peer) RequestKeyFrame(ssrc uint32) {
	p.t.Helper()
	must(p.t, p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrc}}))
}

// want makes sure that there is a section for each stream, and none is asked for on the others.
func (p *Peer) want(streamIDs []uint32) {
	p.t.Helper()
	missing := slices.Clone(streamIDs)
	for section, id := range p.receiving {
		if i := slices.Index(missing, id); id != 0 && i >= 0 {
			missing = slices.Delete(missing, i, i+1)
			continue
		}
		p.receiving[section] = 0
	}
	for _, id := range missing {
		section, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		must(p.t, err)
		p.receiving[section] = id
	}
}

// Offer returns an offer, for somebody else to misuse.
func (p *Peer) Offer() string {
	p.t.Helper()
	text, _ := p.offer()
	return text
}

// offer makes the next offer, and the list of wanted streams by position over its video sections.
func (p *Peer) offer() (text string, receive []uint32) {
	p.t.Helper()
	description, err := p.pc.CreateOffer(nil)
	must(p.t, err)
	gathered := webrtc.GatheringCompletePromise(p.pc)
	must(p.t, p.pc.SetLocalDescription(description))
	select {
	case <-gathered:
	case <-time.After(Patience):
		p.t.Fatal("the client finds no candidates")
	}
	wanted := make(map[string]uint32)
	for section, id := range p.receiving {
		wanted[section.Mid()] = id
	}
	text = p.pc.LocalDescription().SDP
	for _, section := range strings.Split(text, "\r\nm=")[1:] {
		if !strings.HasPrefix(section, "video") {
			continue
		}
		_, rest, _ := strings.Cut(section, "\r\na=mid:")
		mid, _, _ := strings.Cut(rest, "\r\n")
		receive = append(receive, wanted[mid])
	}
	return text, receive
}

// take applies the answer. The first one starts the microphone.
func (p *Peer) take(answer string) {
	p.t.Helper()
	if p.nat != nil {
		answer = p.nat.rewrite(answer)
	}
	if p.line != nil {
		answer = p.line.through(answer)
	}
	must(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
	if !p.started && p.microphone != nil {
		p.started = true
		p.work.Go(p.sendAudio)
	}
}

// Speak makes the microphone hear a tone of that many Hz, or silence for 0.
func (p *Peer) Speak(hz int) { p.SpeakStereo(hz, hz) }

// SpeakStereo is Speak with a tone for each channel of a microphone that has two.
func (p *Peer) SpeakStereo(left, right int) {
	p.pitch[0].Store(int64(left))
	p.pitch[1].Store(int64(right))
}

// every calls f once per period, and catches up after the process was held up, until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	start := time.Now()
	for done := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for due := int64(time.Since(start) / period); done < due; done++ {
			f()
		}
	}
}
