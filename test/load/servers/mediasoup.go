package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"

	"carillon/test/load/lean"
)

// mediasoup is mediasoup's C++ worker with a small application on Node.js.
type mediasoup struct {
	root    string
	process *process
	url     string
	rooms   atomic.Int64
}

func (s *mediasoup) dir() string { return filepath.Join(s.root, "test/load/peers/mediasoup") }

func (s *mediasoup) Info() Info {
	var manifest struct{ Dependencies map[string]string }
	if text, err := os.ReadFile(filepath.Join(s.dir(), "package.json")); err == nil {
		json.Unmarshal(text, &manifest)
	}
	return Info{Name: "mediasoup", Version: manifest.Dependencies["mediasoup"], Settings: "one worker, one UDP port (WebRtcServer), io_uring, release build with Debian's OpenSSL and libsrtp"}
}

func (s *mediasoup) Start(ctx context.Context, dir string) error {
	if out, err := exec.CommandContext(ctx, filepath.Join(s.dir(), "install")).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot install mediasoup: %w\n%s", err, out)
	}
	worker, err := filepath.Abs(filepath.Join(s.dir(), "node_modules/mediasoup/worker/out/carillon/mediasoup-worker"))
	if err != nil {
		return err
	}
	var ready struct{ URL string }
	s.process, err = launch(ctx, dir, "mediasoup", &ready, "env", "MEDIASOUP_WORKER_BIN="+worker, "node", filepath.Join(s.dir(), "server.mjs"))
	s.url = ready.URL
	return err
}

func (s *mediasoup) Stop()       { s.process.stop() }
func (s *mediasoup) Pids() []int { return s.process.pids() }

type mediasoupRoom struct {
	server *mediasoup
	engine *lean.Engine
	name   string
}

func (s *mediasoup) Room(_ context.Context, engine *lean.Engine) (Room, error) {
	return &mediasoupRoom{server: s, engine: engine, name: fmt.Sprint("room", s.rooms.Add(1))}, nil
}

// Admit has nothing to do.
func (r *mediasoupRoom) Admit(context.Context, Person) (string, error) { return "", nil }

type mediasoupMember struct {
	member
	room *mediasoupRoom
	id   string
	lay  int
}

// mediasoupTransport is the server's end of a connection.
type mediasoupTransport struct{ Ufrag, Pwd, Address string }

func (t mediasoupTransport) remote() (lean.Remote, error) {
	addr, err := netip.ParseAddrPort(t.Address)
	return lean.Remote{Addr: addr, Ufrag: t.Ufrag, Pwd: t.Pwd, AudioPT: lean.OpusPT, VideoPT: lean.VP8PT, RTXPT: lean.RTXPT}, err
}

func (r *mediasoupRoom) Join(ctx context.Context, p Person, _ string) (Member, error) {
	m := &mediasoupMember{room: r, id: p.Name, lay: p.Layer}
	sends := p.Camera || p.Voice.Published()
	var out struct{ Send, Receive mediasoupTransport }
	if err := m.call(ctx, "join", map[string]any{"fingerprint": r.engine.Fingerprint(), "sends": sends}, &out); err != nil {
		return nil, err
	}
	m.receive = r.engine.NewConn()
	if err := connectTo(ctx, m.receive, out.Receive); err != nil {
		return nil, err
	}
	if !sends {
		return m, nil
	}
	m.send = r.engine.NewConn()
	if err := connectTo(ctx, m.send, out.Send); err != nil {
		return nil, err
	}
	return m, m.produce(ctx, p)
}

func connectTo(ctx context.Context, c *lean.Conn, t mediasoupTransport) error {
	remote, err := t.remote()
	if err != nil {
		return err
	}
	return c.Connect(ctx, remote)
}

func (m *mediasoupMember) call(ctx context.Context, operation string, in map[string]any, out any) error {
	in["room"], in["id"] = m.room.name, m.id
	return postJSON(ctx, m.room.server.url+"/"+operation, in, out)
}

// produce announces what is sent, and sends it.
func (m *mediasoupMember) produce(ctx context.Context, p Person) error {
	if p.Voice.Published() {
		ssrc := lean.NewSSRC()
		err := m.call(ctx, "produce", map[string]any{"kind": "audio", "rtpParameters": map[string]any{
			"mid": "0", "encodings": []any{map[string]any{"ssrc": ssrc}}, "rtcp": map[string]any{"cname": m.id},
			"codecs":           []any{map[string]any{"mimeType": "audio/opus", "payloadType": lean.OpusPT, "clockRate": 48000, "channels": 2}},
			"headerExtensions": []any{map[string]any{"uri": lean.LevelURI, "id": lean.LevelExt}},
		}}, nil)
		if err != nil {
			return err
		}
		m.addVoice(ssrc, lean.OpusPT, lean.LevelExt, p.Voice, true)
	}
	if !p.Camera {
		return nil
	}
	ssrc, rtx := lean.NewSSRC(), lean.NewSSRC()
	encodings, ssrcs := []any{map[string]any{"ssrc": ssrc, "rtx": map[string]any{"ssrc": rtx}}}, []uint32{}
	if p.Simulcast {
		encodings = nil
		for _, l := range layers() {
			ssrcs = append(ssrcs, lean.NewSSRC())
			encodings = append(encodings, map[string]any{"ssrc": ssrcs[len(ssrcs)-1], "maxBitrate": l.bps})
		}
	}
	feedback := []any{}
	for _, f := range [][2]string{{"nack", ""}, {"nack", "pli"}, {"ccm", "fir"}, {"transport-cc", ""}} {
		feedback = append(feedback, map[string]any{"type": f[0], "parameter": f[1]})
	}
	err := m.call(ctx, "produce", map[string]any{"kind": "video", "rtpParameters": map[string]any{
		"mid": "1", "encodings": encodings, "rtcp": map[string]any{"cname": m.id},
		"codecs": []any{
			map[string]any{"mimeType": "video/VP8", "payloadType": lean.VP8PT, "clockRate": 90000, "rtcpFeedback": feedback},
			map[string]any{"mimeType": "video/rtx", "payloadType": lean.RTXPT, "clockRate": 90000, "parameters": map[string]any{"apt": lean.VP8PT}},
		},
		"headerExtensions": []any{map[string]any{"uri": lean.TransportURI, "id": lean.TransportExt}},
	}}, nil)
	if err == nil && p.Simulcast {
		m.addLayers(ssrcs, lean.VP8PT, lean.TransportExt, 0, 0, "", phaseOf(int(ssrc)))
	} else if err == nil {
		m.addCamera(ssrc, rtx, lean.VP8PT, lean.TransportExt, phaseOf(int(ssrc)))
	}
	return err
}

// Receive consumes what the others produce.
func (m *mediasoupMember) Receive(ctx context.Context, cameras, voices int) error {
	var out struct {
		Audio, Video, RTX uint8
		Count             int
	}
	if err := m.call(ctx, "consume", map[string]any{"layer": m.lay}, &out); err != nil {
		return err
	}
	if out.Count < cameras+voices {
		return fmt.Errorf("there are %d streams to receive, not %d", out.Count, cameras+voices)
	}
	m.receive.Expect(lean.Remote{AudioPT: out.Audio, VideoPT: out.Video, RTXPT: out.RTX})
	return nil
}
