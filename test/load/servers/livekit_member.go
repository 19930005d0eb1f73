package servers

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/encoding/protowire"

	"carillon/test/load/lean"
)

// livekitMember has two connections, as all clients of LiveKit do: one that it offers, to send, and one that the server
// offers, to receive.
type livekitMember struct {
	member
	room   *livekitRoom
	socket *websocket.Conn
	stop   context.CancelFunc

	joined  chan struct{}
	answers chan string
	changed chan struct{} // the server has offered again

	mu             sync.Mutex
	offered        bool
	cameras, voice int // sections of the last offer that the server sends on
	receiving      error
	connected      chan struct{} // the receiving connection stands, or has failed
}

// Fields of SignalRequest and SignalResponse of LiveKit's protocol.
const (
	livekitOffer    = 1 // of requests
	livekitAnswer   = 2 // of both
	livekitAddTrack = 4
	livekitJoin     = 1 // of responses
	livekitOffered  = 3
)

func (r *livekitRoom) Join(ctx context.Context, p Person, token string) (Member, error) {
	target := fmt.Sprintf("ws://127.0.0.1:%d/rtc?auto_subscribe=1&protocol=15&sdk=go&access_token=%s", r.server.port, url.QueryEscape(token))
	socket, _, err := websocket.Dial(ctx, target, nil)
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(1 << 20)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	m := &livekitMember{
		room: r, socket: socket, stop: stop, joined: make(chan struct{}), answers: make(chan string, 1),
		changed: make(chan struct{}, 1), connected: make(chan struct{}),
	}
	m.receive = r.engine.NewConn()
	go m.read(running)
	if err := m.enter(ctx, p); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *livekitMember) enter(ctx context.Context, p Person) error {
	select {
	case <-m.joined:
	case <-ctx.Done():
		return errTimeout
	}
	if p.Camera || p.Voice.Published() {
		if err := m.publish(ctx, p); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	select {
	case <-m.connected:
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.receiving
	case <-ctx.Done():
		return errTimeout
	}
}

// publish announces what is sent and connects.
func (m *livekitMember) publish(ctx context.Context, p Person) error {
	m.send = m.room.engine.NewConn()
	var sections []lean.Section
	audio, video, rtx := lean.NewSSRC(), lean.NewSSRC(), lean.NewSSRC()
	if p.Voice.Published() {
		sections = append(sections, lean.Section{Kind: "audio", MID: "0", Direction: "sendonly", SSRC: audio, Track: "voice"})
		if err := m.write(ctx, livekitAddTrack, addTrack("voice", 0, 2)); err != nil {
			return err
		}
	}
	if p.Camera {
		sections = append(sections, lean.Section{Kind: "video", MID: "1", Direction: "sendonly", SSRC: video, RTXSSRC: rtx, Track: "camera"})
		if err := m.write(ctx, livekitAddTrack, addTrack("camera", 1, 1)); err != nil {
			return err
		}
	}
	if err := m.write(ctx, livekitOffer, description("offer", m.send.Describe("active", sections), 1)); err != nil {
		return err
	}
	var d *lean.Description
	select {
	case answer := <-m.answers:
		var err error
		if d, err = lean.ParseDescription(answer); err != nil {
			return err
		}
	case <-ctx.Done():
		return errTimeout
	}
	d.Addr = m.room.server.media
	if err := m.send.Connect(ctx, d.Remote); err != nil {
		return err
	}
	for _, s := range d.Sections {
		if s.Kind == "audio" {
			m.addVoice(audio, s.PT, s.Extensions[lean.LevelURI], p.Voice, true, false)
		} else {
			m.addCamera(video, rtx, s.PT, s.Extensions[lean.TransportURI], phaseOf(int(video)))
		}
	}
	return nil
}

// Receive waits for the offers: the server subscribes everybody to everything by itself.
func (m *livekitMember) Receive(ctx context.Context, cameras, voices int) error {
	for {
		m.mu.Lock()
		enough := m.cameras >= cameras && m.voice >= voices
		m.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-m.changed:
		case <-ctx.Done():
			return errTimeout
		}
	}
}

func (m *livekitMember) read(ctx context.Context) {
	for {
		_, message, err := m.socket.Read(ctx)
		if err != nil {
			return
		}
		field, body := firstField(message)
		switch field {
		case livekitJoin:
			close(m.joined)
		case livekitAnswer:
			text, _ := parseDescription(body)
			select {
			case m.answers <- text:
			case <-ctx.Done():
			}
		case livekitOffered:
			text, id := parseDescription(body)
			if err := m.accept(ctx, text, id); err != nil {
				m.fail(err)
			}
		}
	}
}

// accept answers an offer of the server; the first one connects.
func (m *livekitMember) accept(ctx context.Context, offer string, id uint64) error {
	d, err := lean.ParseDescription(offer)
	if err != nil {
		return err
	}
	sections, cameras, voices := accept(d)
	if err := m.write(ctx, livekitAnswer, description("answer", m.receive.Describe("active", sections), id)); err != nil {
		return err
	}
	m.receive.Expect(d.Remote)
	m.mu.Lock()
	first := !m.offered
	m.offered, m.cameras, m.voice = true, cameras, voices
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
	if first {
		d.Addr = m.room.server.media
		go func() { m.fail(m.receive.Connect(ctx, d.Remote)) }()
	}
	return nil
}

// fail ends the wait for the receiving connection, also without an error.
func (m *livekitMember) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.connected:
	default:
		m.receiving = err
		close(m.connected)
	}
}

func (m *livekitMember) write(ctx context.Context, field protowire.Number, body []byte) error {
	message := protowire.AppendTag(nil, field, protowire.BytesType)
	return m.socket.Write(ctx, websocket.MessageBinary, protowire.AppendBytes(message, body))
}

func (m *livekitMember) Close() {
	m.stop()
	m.socket.CloseNow()
	m.member.Close()
}
