package servers

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"carillon/test/load/lean"
)

// plain is our own smallest server on complete peer connections.
type plain struct {
	root    string
	process *process
	url     string
	rooms   atomic.Int64
}

func (s *plain) Info() Info {
	return Info{Name: "plain", Version: "pion/webrtc as in go.mod", Settings: "defaults of the library, one UDP port"}
}

func (s *plain) Start(ctx context.Context, dir string) error {
	binary := filepath.Join(dir, "plain")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./test/load/peers/plain")
	build.Dir = s.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build the plain server: %w\n%s", err, out)
	}
	var ready struct{ URL string }
	var err error
	s.process, err = launch(ctx, dir, "plain", &ready, binary)
	s.url = ready.URL
	return err
}

func (s *plain) Stop()       { s.process.stop() }
func (s *plain) Pids() []int { return s.process.pids() }

func (s *plain) Goroutines(ctx context.Context) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/goroutines", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// plainRoom is only a name.
type plainRoom struct {
	server *plain
	engine *lean.Engine
	name   string
}

func (s *plain) Room(_ context.Context, engine *lean.Engine) (Room, error) {
	return &plainRoom{server: s, engine: engine, name: fmt.Sprint("room", s.rooms.Add(1))}, nil
}

// Admit has nothing to do.
func (r *plainRoom) Admit(context.Context, Person) (string, error) { return "", nil }

type plainMember struct {
	member
	room     *plainRoom
	id       string
	sections []lean.Section
}

func (r *plainRoom) Join(ctx context.Context, p Person, _ string) (Member, error) {
	m := &plainMember{room: r, id: p.Name}
	m.send = r.engine.NewConn()
	m.receive = m.send
	audio, video, rtx := lean.NewSSRC(), lean.NewSSRC(), lean.NewSSRC()
	voice := lean.Section{Kind: "audio", MID: "0", Direction: "inactive"}
	if p.Voice.Published() { // a muted client sends nothing
		voice.Direction, voice.SSRC, voice.Track = "sendonly", audio, "voice-"+p.Name
	}
	m.sections = append(m.sections, voice)
	if p.Camera {
		m.sections = append(m.sections, lean.Section{Kind: "video", MID: "1", Direction: "sendonly", SSRC: video, RTXSSRC: rtx, Track: "camera-" + p.Name})
	}
	d, err := m.negotiate(ctx, "/join")
	if err != nil {
		return nil, err
	}
	if err := m.send.Connect(ctx, d.Remote); err != nil {
		return nil, err
	}
	if p.Voice.Published() {
		m.addVoice(audio, d.Sections[0].PT, d.Sections[0].Extensions[lean.LevelURI], p.Voice, true, false)
	}
	if p.Camera {
		m.addCamera(video, rtx, d.Sections[1].PT, d.Sections[1].Extensions[lean.TransportURI], phaseOf(int(video)))
	}
	return m, nil
}

func (m *plainMember) negotiate(ctx context.Context, path string) (*lean.Description, error) {
	var out struct{ Answer string }
	in := map[string]string{"room": m.room.name, "id": m.id, "offer": m.send.Describe("actpass", m.sections)}
	if err := postJSON(ctx, m.room.server.url+path, in, &out); err != nil {
		return nil, err
	}
	return lean.ParseDescription(out.Answer)
}

// Receive offers a section for each stream of the others.
func (m *plainMember) Receive(ctx context.Context, cameras, voices int) error {
	for range cameras {
		m.sections = append(m.sections, lean.Section{Kind: "video", MID: fmt.Sprint(len(m.sections) + 10), Direction: "recvonly"})
	}
	for range voices {
		m.sections = append(m.sections, lean.Section{Kind: "audio", MID: fmt.Sprint(len(m.sections) + 10), Direction: "recvonly"})
	}
	d, err := m.negotiate(ctx, "/subscribe")
	if err == nil {
		m.receive.Expect(d.Remote)
	}
	return err
}
