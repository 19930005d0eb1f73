package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"

	"carillon/test/load/lean"
)

// janus is Debian's Janus with its video room, or its audio bridge.
type janus struct {
	bridge  bool
	process *process
	port    int
	admin   *janusSession
	ids     atomic.Int64
}

func (s *janus) Info() Info {
	version := "not installed"
	if out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", "janus").Output(); err == nil {
		version = string(out)
	}
	i := Info{Name: "janus", Version: version, Settings: "video room, ICE-lite, an event loop for each core, log level 2"}
	if s.bridge {
		i.Name, i.Mixes = "janus-audio", true
		i.Settings = "audio bridge at 48 kHz, ICE-lite, an event loop for each core, log level 2"
	}
	return i
}

// plugin is the Janus plugin in use.
func (s *janus) plugin() string {
	if s.bridge {
		return "janus.plugin.audiobridge"
	}
	return "janus.plugin.videoroom"
}

const janusConfig = `general: {
	configs_folder = "%[1]s"
	debug_level = 2
	event_loops = %[2]d
}
media: { rtp_port_range = "20000-40000" }
nat: { ice_lite = true, ice_enforce_list = "lo,127.0.0.1" }
plugins: { disable = "%[3]s" }
transports: { disable = "libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so" }
loggers: { disable = "libjanus_jsonlog.so" }
events: { broadcast = false }
`

const janusWebSockets = `general: { json = "compact", ws = true, ws_port = %d, ws_ip = "127.0.0.1", wss = false }
`

func (s *janus) Start(ctx context.Context, dir string) error {
	binary, err := exec.LookPath("janus")
	if err != nil {
		return errors.New("Janus is not installed; apt-get install janus")
	}
	if s.port, err = freePort("tcp"); err != nil {
		return err
	}
	plugins, err := filepath.Glob("/usr/lib/*/janus/plugins/*.so")
	if err != nil {
		return err
	}
	var disabled []string
	for _, p := range plugins {
		if name := filepath.Base(p); !strings.Contains(name, strings.TrimPrefix(s.plugin(), "janus.plugin.")) {
			disabled = append(disabled, name)
		}
	}
	files := map[string]string{
		"janus.jcfg":                      fmt.Sprintf(janusConfig, dir, runtime.NumCPU(), strings.Join(disabled, ",")),
		"janus.transport.websockets.jcfg": fmt.Sprintf(janusWebSockets, s.port),
		s.plugin() + ".jcfg":              "general: { events = false }\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if s.process, err = launch(ctx, dir, "janus", nil, binary, "-C", filepath.Join(dir, "janus.jcfg"), "-F", dir); err != nil {
		return err
	}
	return s.process.await(ctx, func() (err error) {
		s.admin, err = s.open(ctx)
		return err
	})
}

func (s *janus) Stop() {
	if s.admin != nil {
		s.admin.close()
	}
	s.process.stop()
}

func (s *janus) Pids() []int { return s.process.pids() }

type janusRoom struct {
	server *janus
	engine *lean.Engine
	id     int64
	handle *janusHandle // that made the room
	feeds  []int64      // who sends
}

func (s *janus) Room(ctx context.Context, engine *lean.Engine) (Room, error) {
	h, err := s.admin.attach(ctx, s.plugin())
	if err != nil {
		return nil, err
	}
	r := &janusRoom{server: s, engine: engine, id: s.ids.Add(1), handle: h}
	in := map[string]any{"request": "create", "room": r.id}
	if s.bridge {
		in["sampling_rate"] = 48000
	} else {
		in["publishers"], in["bitrate"], in["notify_joining"] = 1000, 10_000_000, false
		in["videocodec"], in["audiocodec"] = "vp8", "opus"
	}
	_, err = h.message(ctx, in, "")
	return r, err
}

// Admit has nothing to do.
func (r *janusRoom) Admit(context.Context, Person) (string, error) { return "", nil }
