package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"carillon/test/load/lean"
)

// mediasoup is a small application on the mediasoup library, in Node.js; its workers are processes of their own.
type mediasoup struct {
	root    string
	process *process
	url     string
}

func (s *mediasoup) dir() string { return filepath.Join(s.root, "test/load/peers/mediasoup") }

func (s *mediasoup) Info() Info {
	var about struct{ Version string }
	text, err := os.ReadFile(filepath.Join(s.dir(), "node_modules/mediasoup/package.json"))
	if err != nil || json.Unmarshal(text, &about) != nil {
		about.Version = "not installed"
	}
	return Info{Name: "mediasoup", Version: about.Version, Settings: "a worker for each core, each with one UDP port; a room stays within one worker; no log"}
}

func (s *mediasoup) Start(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(s.dir(), "node_modules/mediasoup/worker/out/Release/mediasoup-worker")); err != nil {
		return errors.New("mediasoup is not built; run test/load/peers/mediasoup/build")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return err
	}
	var ready struct{ URL string }
	s.process, err = launch(ctx, dir, "mediasoup", &ready, node, filepath.Join(s.dir(), "server.mjs"))
	s.url = ready.URL
	return err
}

func (s *mediasoup) Stop()       { s.process.stop() }
func (s *mediasoup) Pids() []int { return s.process.pids() }

type mediasoupRoom struct {
	server *mediasoup
	engine *lean.Engine
	number int
}

func (s *mediasoup) Room(ctx context.Context, engine *lean.Engine) (Room, error) {
	var out struct{ Room int }
	err := postJSON(ctx, s.url+"/room", struct{}{}, &out)
	return &mediasoupRoom{server: s, engine: engine, number: out.Room}, err
}

// Admit has nothing to do.
func (r *mediasoupRoom) Admit(context.Context, Person) (string, error) { return "", nil }

// mediasoupMember has two connections, as clients of mediasoup do: one to send, which those who only watch do without,
// and one to receive.
type mediasoupMember struct {
	member
	room      *mediasoupRoom
	person    Person
	receiving string // transport
}

func (r *mediasoupRoom) Join(ctx context.Context, p Person, _ string) (Member, error) {
	m := &mediasoupMember{room: r, person: p}
	if err := m.enter(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *mediasoupMember) enter(ctx context.Context) (err error) {
	if m.person.Camera || m.person.Voice.Published() {
		if err := m.publish(ctx); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	m.receive = m.room.engine.NewConn()
	m.receiving, err = m.connect(ctx, m.receive, []producer{})
	return err
}

// connect has the server make a transport, on which those streams are sent, and connects to it.
func (m *mediasoupMember) connect(ctx context.Context, c *lean.Conn, sends []producer) (transport string, err error) {
	var out struct {
		Transport, UsernameFragment, Password string
		Candidate                             struct {
			IP   string
			Port int
		}
	}
	err = postJSON(ctx, m.room.server.url+"/transport", map[string]any{
		"room": m.room.number, "owner": m.person.Name, "fingerprint": m.room.engine.Fingerprint(), "sends": sends,
	}, &out)
	if err != nil {
		return "", err
	}
	remote := lean.Remote{Ufrag: out.UsernameFragment, Pwd: out.Password}
	if remote.Addr, err = addrPort(out.Candidate.IP, out.Candidate.Port); err != nil {
		return "", err
	}
	return out.Transport, c.Connect(ctx, remote)
}

func (m *mediasoupMember) publish(ctx context.Context) error {
	m.send = m.room.engine.NewConn()
	audio, video, rtx := lean.NewSSRC(), lean.NewSSRC(), lean.NewSSRC()
	p := m.person
	var sends []producer
	if p.Voice.Published() {
		sends = append(sends, voiceProducer(audio))
	}
	if p.Camera {
		sends = append(sends, cameraProducer(video, rtx, p.Simulcast))
	}
	if _, err := m.connect(ctx, m.send, sends); err != nil {
		return err
	}
	if p.Voice.Published() {
		m.addVoice(audio, lean.OpusPT, lean.LevelExt, p.Voice, true, false)
	}
	if p.Camera && p.Simulcast {
		ssrcs := []uint32{video, lean.NewSSRC(), lean.NewSSRC()}
		m.addLayers(ssrcs, lean.VP8PT, lean.TransportExt, lean.MIDExt, lean.RIDExt, cameraMID, phaseOf(int(video)))
	} else if p.Camera {
		m.addCamera(video, rtx, lean.VP8PT, lean.TransportExt, phaseOf(int(video)))
	}
	return nil
}

// Receive has the server send everything that others do.
func (m *mediasoupMember) Receive(ctx context.Context, cameras, voices int) error {
	var consumers []struct {
		Kind         string
		PayloadTypes []uint8
	}
	err := postJSON(ctx, m.room.server.url+"/consume", map[string]any{"transport": m.receiving, "layer": m.person.Layer}, &consumers)
	if err != nil {
		return err
	}
	if len(consumers) < cameras+voices {
		return fmt.Errorf("%d streams instead of %d", len(consumers), cameras+voices)
	}
	var r lean.Remote
	for _, c := range consumers {
		if c.Kind == "audio" {
			r.AudioPT = c.PayloadTypes[0]
		} else {
			r.VideoPT, r.RTXPT = c.PayloadTypes[0], c.PayloadTypes[1]
		}
	}
	m.receive.Expect(r)
	return nil
}
