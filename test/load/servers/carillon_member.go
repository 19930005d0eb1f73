package servers

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
	"carillon/test/load/lean"
)

// carillonMember is a client of the signaling protocol.
type carillonMember struct {
	member
	person Person
	socket *websocket.Conn
	ssrcs  struct{ audio, video, rtx uint32 }

	answers chan *signalpb.SdkSignalFrame // SUBSCRIBE_ACK
	joined  chan struct{}
	changed chan struct{} // there is a new index
	stop    context.CancelFunc

	mu      sync.Mutex
	sources []*signalpb.SdkStreamDescriptor // of the last INDEX
}

func (r *carillonRoom) Join(ctx context.Context, p Person, token string) (Member, error) {
	socket, _, err := websocket.Dial(ctx, r.signaling+"?X-Chime-Control-Protocol-Version=3", &websocket.DialOptions{
		Subprotocols: []string{"_aws_wt_session", token},
	})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(frame.MaxSize)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	m := &carillonMember{
		person: p, socket: socket, answers: make(chan *signalpb.SdkSignalFrame, 1), joined: make(chan struct{}),
		changed: make(chan struct{}, 1), stop: stop,
	}
	m.send = r.engine.NewConn()
	m.receive = m.send
	m.receive.Listen(p.Hear)
	go m.read(running)
	if err := m.enter(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *carillonMember) enter(ctx context.Context) error {
	err := m.write(ctx, &signalpb.SdkSignalFrame{
		Type: signalpb.SdkSignalFrame_JOIN.Enum(),
		Join: &signalpb.SdkJoinFrame{ProtocolVersion: proto.Uint32(2), Flags: proto.Uint32(2), AudioSessionId: proto.Uint64(uint64(lean.NewSSRC()))},
	})
	if err != nil {
		return err
	}
	select {
	case <-m.joined:
	case <-ctx.Done():
		return errTimeout
	}
	m.ssrcs.audio, m.ssrcs.video, m.ssrcs.rtx = lean.NewSSRC(), lean.NewSSRC(), lean.NewSSRC()
	d, err := m.subscribe(ctx, nil)
	if err != nil {
		return err
	}
	if err := m.send.Connect(ctx, d.Remote); err != nil {
		return err
	}
	// A client whose microphone is muted goes on sending silence, as far as the server wants it.
	voice := d.Sections[0]
	m.addVoice(m.ssrcs.audio, voice.PT, voice.Extensions[lean.LevelURI], m.person.Voice, false, voice.DTX)
	if m.person.Camera {
		s, phase := d.Sections[1], phaseOf(int(m.ssrcs.video))
		if m.person.Simulcast {
			ssrcs := []uint32{m.ssrcs.video, lean.NewSSRC(), lean.NewSSRC()}
			m.addLayers(ssrcs, s.PT, s.Extensions[lean.TransportURI], s.Extensions[lean.MIDURI], s.Extensions[lean.RIDURI], "1", phase)
		} else {
			m.addCamera(m.ssrcs.video, m.ssrcs.rtx, s.PT, s.Extensions[lean.TransportURI], phase)
		}
	}
	return nil
}

// subscribe negotiates: sound, our camera, and the videos of those streams.
func (m *carillonMember) subscribe(ctx context.Context, streams []uint32) (*lean.Description, error) {
	sections := []lean.Section{{Kind: "audio", Direction: "sendrecv", MID: "0", SSRC: m.ssrcs.audio, Track: "microphone"}}
	sub := &signalpb.SdkSubscribeFrame{
		Duplex:     signalpb.SdkStreamServiceType_RX.Enum(),
		AudioMuted: proto.Bool(!m.person.Voice.Published()),
		SendStreams: []*signalpb.SdkStreamDescriptor{{
			MediaType: signalpb.SdkStreamMediaType_AUDIO.Enum(), StreamId: proto.Uint32(1), GroupId: proto.Uint32(1),
		}},
	}
	if m.person.Camera {
		camera, bitrates := m.camera()
		sections = append(sections, camera)
		sub.Duplex = signalpb.SdkStreamServiceType_DUPLEX.Enum()
		sub.ReceiveStreamIds = append(sub.ReceiveStreamIds, 0)
		for i, bps := range bitrates {
			sub.SendStreams = append(sub.SendStreams, &signalpb.SdkStreamDescriptor{
				MediaType: signalpb.SdkStreamMediaType_VIDEO.Enum(), StreamId: proto.Uint32(uint32(2 + i)), GroupId: proto.Uint32(2), MaxBitrateKbps: proto.Uint32(uint32(bps / 1000)),
			})
		}
	}
	for i, id := range streams {
		sections = append(sections, lean.Section{Kind: "video", Direction: "recvonly", MID: fmt.Sprint(i + 2)})
		sub.ReceiveStreamIds = append(sub.ReceiveStreamIds, id)
	}
	sub.SdpOffer = proto.String(m.send.Describe("actpass", sections))
	if err := m.write(ctx, &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_SUBSCRIBE.Enum(), Sub: sub}); err != nil {
		return nil, err
	}
	select {
	case ack := <-m.answers:
		if ack.GetError().GetStatus() >= 300 || ack.GetSuback().GetSdpAnswer() == "" {
			return nil, fmt.Errorf("SUBSCRIBE was refused: %v", ack.GetError())
		}
		return lean.ParseDescription(ack.GetSuback().GetSdpAnswer())
	case <-ctx.Done():
		return nil, errTimeout
	}
}

// camera is how ours is offered, and the bitrates of what it sends.
func (m *carillonMember) camera() (section lean.Section, bps []int) {
	section = lean.Section{Kind: "video", Direction: "sendonly", MID: "1", Track: "camera"}
	if !m.person.Simulcast {
		section.SSRC, section.RTXSSRC = m.ssrcs.video, m.ssrcs.rtx
		return section, []int{cameraBps}
	}
	for _, l := range layers() {
		section.RIDs = append(section.RIDs, l.rid)
		bps = append(bps, l.bps)
	}
	return section, bps
}

// Receive waits for the index to show the cameras.
func (m *carillonMember) Receive(ctx context.Context, cameras, _ int) error {
	if cameras == 0 {
		return nil // the mix comes by itself
	}
	for {
		if streams := m.wanted(cameras); streams != nil {
			d, err := m.subscribe(ctx, streams)
			if err == nil {
				m.receive.Expect(d.Remote)
			}
			return err
		}
		select {
		case <-m.changed:
		case <-ctx.Done():
			return errTimeout
		}
	}
}

// wanted picks one stream of each group: the layer that the person receives. It is nil while the index does not show all
// of them.
func (m *carillonMember) wanted(limit int) []uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	groups := make(map[uint32][]*signalpb.SdkStreamDescriptor)
	var order []uint32
	for _, s := range m.sources {
		if s.GetMediaType() != signalpb.SdkStreamMediaType_VIDEO {
			continue
		}
		g := s.GetGroupId()
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], s)
	}
	sizes := 1
	if m.person.Simulcast {
		sizes = len(layers())
	}
	if len(order) < limit {
		return nil
	}
	var ids []uint32
	for _, g := range order[:limit] {
		if len(groups[g]) < sizes {
			return nil
		}
		ids = append(ids, groups[g][min(m.person.Layer, sizes-1)].GetStreamId())
	}
	return ids
}

// pingInterval is that of clients.
const pingInterval = 10 * time.Second

func (m *carillonMember) read(ctx context.Context) {
	go m.ping(ctx)
	for {
		_, message, err := m.socket.Read(ctx)
		if err != nil {
			return
		}
		f, err := frame.Decode(message)
		if err != nil {
			continue
		}
		switch f.GetType() {
		case signalpb.SdkSignalFrame_INDEX:
			m.show(f.GetIndex().GetSources())
		case signalpb.SdkSignalFrame_SUBSCRIBE_ACK:
			select {
			case m.answers <- f:
			case <-ctx.Done():
			}
		}
	}
}

func (m *carillonMember) show(sources []*signalpb.SdkStreamDescriptor) {
	m.mu.Lock()
	m.sources = sources
	m.mu.Unlock()
	select {
	case <-m.joined:
	default:
		close(m.joined)
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *carillonMember) ping(ctx context.Context) {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for id := uint32(1); ; id++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			m.write(ctx, &signalpb.SdkSignalFrame{
				Type:     signalpb.SdkSignalFrame_PING_PONG.Enum(),
				PingPong: &signalpb.SdkPingPongFrame{Type: signalpb.SdkPingPongType_PING.Enum(), PingId: proto.Uint32(id)},
			})
		}
	}
}

func (m *carillonMember) write(ctx context.Context, f *signalpb.SdkSignalFrame) error {
	f.TimestampMs = proto.Uint64(uint64(time.Now().UnixMilli()))
	message, err := frame.Encode(f)
	if err != nil {
		return err
	}
	return m.socket.Write(ctx, websocket.MessageBinary, message)
}

func (m *carillonMember) Close() {
	m.stop()
	m.socket.CloseNow()
	m.member.Close()
}
