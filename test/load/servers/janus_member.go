package servers

import (
	"context"
	"encoding/json"
	"errors"

	"carillon/test/load/lean"
)

type janusMember struct {
	member
	room    *janusRoom
	session *janusSession
	feed    int64
}

func (r *janusRoom) Join(ctx context.Context, p Person, _ string) (Member, error) {
	session, err := r.server.open(ctx)
	if err != nil {
		return nil, err
	}
	m := &janusMember{room: r, session: session, feed: r.server.ids.Add(1)}
	if r.server.bridge {
		err = m.joinBridge(ctx, p)
	} else {
		err = m.joinRoom(ctx, p)
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// joinBridge negotiates sound in both directions. A muted client goes on sending silence.
func (m *janusMember) joinBridge(ctx context.Context, p Person) error {
	m.send = m.room.engine.NewConn()
	m.receive = m.send
	m.receive.Listen(p.Hear)
	h, err := m.session.attach(ctx, m.room.server.plugin())
	if err != nil {
		return err
	}
	if _, err := h.message(ctx, map[string]any{"request": "join", "room": m.room.id, "muted": !p.Voice.Published()}, ""); err != nil {
		return err
	}
	ssrc := lean.NewSSRC()
	offer := m.send.Describe("active", []lean.Section{{Kind: "audio", MID: "0", Direction: "sendrecv", SSRC: ssrc, Track: "voice"}})
	d, err := h.negotiate(ctx, map[string]any{"request": "configure", "muted": !p.Voice.Published()}, offer)
	if err != nil {
		return err
	}
	if err := m.send.Connect(ctx, d.Remote); err != nil {
		return err
	}
	m.addVoice(ssrc, d.Sections[0].PT, d.Sections[0].Extensions[lean.LevelURI], p.Voice, false, false)
	return nil
}

// joinRoom publishes what there is. Who only receives gets the connection with Receive.
func (m *janusMember) joinRoom(ctx context.Context, p Person) error {
	m.receive = m.room.engine.NewConn()
	if !p.Camera && !p.Voice.Published() {
		return m.subscribe(ctx)
	}
	m.send = m.room.engine.NewConn()
	var sections []lean.Section
	audio, video, rtx := lean.NewSSRC(), lean.NewSSRC(), lean.NewSSRC()
	if p.Voice.Published() {
		sections = append(sections, lean.Section{Kind: "audio", MID: "0", Direction: "sendonly", SSRC: audio, Track: "voice"})
	}
	if p.Camera {
		sections = append(sections, lean.Section{Kind: "video", MID: "1", Direction: "sendonly", SSRC: video, RTXSSRC: rtx, Track: "camera"})
	}
	h, err := m.session.attach(ctx, m.room.server.plugin())
	if err != nil {
		return err
	}
	in := map[string]any{"request": "joinandconfigure", "ptype": "publisher", "room": m.room.id, "id": m.feed}
	d, err := h.negotiate(ctx, in, m.send.Describe("active", sections))
	if err != nil {
		return err
	}
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
	select { // a feed can be subscribed to when Janus too has noticed that it is connected
	case <-h.up:
	case <-ctx.Done():
		return errTimeout
	}
	m.room.feeds = append(m.room.feeds, m.feed)
	return nil
}

// Receive subscribes to those who send, unless that was part of joining.
func (m *janusMember) Receive(ctx context.Context, _, _ int) error {
	if m.room.server.bridge || m.send == nil || len(m.room.feeds) < 2 {
		return nil
	}
	return m.subscribe(ctx)
}

func (m *janusMember) subscribe(ctx context.Context) error {
	var streams []any
	for _, feed := range m.room.feeds {
		if feed != m.feed {
			streams = append(streams, map[string]any{"feed": feed})
		}
	}
	h, err := m.session.attach(ctx, m.room.server.plugin())
	if err != nil {
		return err
	}
	e, err := h.message(ctx, map[string]any{"request": "join", "ptype": "subscriber", "room": m.room.id, "streams": streams}, "")
	if err != nil {
		return err
	}
	d, err := lean.ParseDescription(e.JSEP.SDP)
	if err != nil {
		return err
	}
	sections, _, _ := accept(d)
	if _, err := h.message(ctx, map[string]any{"request": "start"}, m.receive.Describe("active", sections)); err != nil {
		return err
	}
	return m.receive.Connect(ctx, d.Remote)
}

func (m *janusMember) Close() {
	m.session.close()
	m.member.Close()
}

// failure finds the error in what a plugin says.
func (e *janusEvent) failure() error {
	if e.Error.Reason != "" {
		return errors.New(e.Error.Reason)
	}
	var data struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(e.PluginData.Data, &data) == nil && data.Error != "" {
		return errors.New(data.Error)
	}
	return nil
}
