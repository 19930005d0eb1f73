package servers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"carillon/test/load/lean"
)

// livekit is LiveKit's server, built from its Go module.
type livekit struct {
	root        string
	process     *process
	port, debug int
	media       netip.AddrPort
	rooms       atomic.Int64
}

const (
	livekitKey    = "load"
	livekitSecret = "a-secret-that-is-only-used-on-loopback-addresses"
)

func (s *livekit) Info() Info {
	version := "unknown"
	list := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "github.com/livekit/livekit-server")
	list.Dir = filepath.Join(s.root, "test/load/peers/livekit")
	if out, err := list.Output(); err == nil {
		version = string(out[:len(out)-1])
	}
	return Info{Name: "livekit", Version: version, Settings: "ICE-lite, one UDP port, no congestion control, log level error"}
}

// livekitConfig: congestion control is off because it only costs here, and ICE-lite is what its documentation advises
// for speed.
const livekitConfig = `port: %d
bind_addresses: [127.0.0.1]
rtc:
  udp_port: %d
  tcp_port: 0
  node_ip: 127.0.0.1
  use_external_ip: false
  enable_loopback_candidate: true
  use_ice_lite: true
  congestion_control: {enabled: false}
keys: {%s: %s}
logging: {level: error, pion_level: error}
debug_handler: {port: %d}
`

func (s *livekit) Start(ctx context.Context, dir string) error {
	binary := filepath.Join(dir, "livekit-server")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/livekit/livekit-server/cmd/server")
	build.Dir = filepath.Join(s.root, "test/load/peers/livekit")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build LiveKit: %w\n%s", err, out)
	}
	ports := make([]int, 3)
	for i, network := range []string{"tcp", "udp", "tcp"} {
		var err error
		if ports[i], err = freePort(network); err != nil {
			return err
		}
	}
	s.port, s.debug = ports[0], ports[2]
	s.media = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(ports[1]))
	file := filepath.Join(dir, "livekit.yaml")
	config := fmt.Sprintf(livekitConfig, ports[0], ports[1], livekitKey, livekitSecret, ports[2])
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return err
	}
	var err error
	if s.process, err = launch(ctx, dir, "livekit", nil, binary, "--config", file); err != nil {
		return err
	}
	return s.process.await(ctx, func() error {
		_, err := s.get(ctx, s.port, "/")
		return err
	})
}

func (s *livekit) get(ctx context.Context, port int, path string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	head := make([]byte, 100)
	n, _ := answer.Body.Read(head)
	return string(head[:n]), nil
}

func (s *livekit) Stop()       { s.process.stop() }
func (s *livekit) Pids() []int { return s.process.pids() }

func (s *livekit) Goroutines(ctx context.Context) (n int, err error) {
	text, err := s.get(ctx, s.debug, "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscanf(text, "goroutine profile: total %d", &n)
	return n, err
}

type livekitRoom struct {
	server *livekit
	engine *lean.Engine
	name   string
}

func (s *livekit) Room(_ context.Context, engine *lean.Engine) (Room, error) {
	return &livekitRoom{server: s, engine: engine, name: fmt.Sprint("room", s.rooms.Add(1))}, nil
}

// Admit makes an access token (a JSON Web Token, RFC 7519).
func (r *livekitRoom) Admit(_ context.Context, p Person) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": livekitKey, "sub": p.Name, "name": p.Name, "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
		"video": map[string]any{"room": r.name, "roomJoin": true},
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(claims)
	sign := hmac.New(sha256.New, []byte(livekitSecret))
	sign.Write([]byte(text))
	return text + "." + encode(sign.Sum(nil)), nil
}
