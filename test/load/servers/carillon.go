package servers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"carillon/test/load/lean"
)

// carillon is this repository's server, with its default settings, or one that runs already.
type carillon struct {
	options Options
	process *process
	debug   string
}

func (s *carillon) Info() Info {
	version := "this tree"
	if out, err := exec.Command("git", "-C", s.options.Root, "describe", "--always", "--dirty").Output(); err == nil {
		version = strings.TrimSpace(string(out))
	}
	return Info{Name: "carillon", Version: version, Settings: "defaults", Mixes: true}
}

func (s *carillon) Start(ctx context.Context, dir string) error {
	if s.options.CarillonURL != "" {
		return nil
	}
	binary := filepath.Join(dir, "carillon")
	if out, err := s.build(ctx, binary); err != nil {
		return fmt.Errorf("cannot build Carillon: %w\n%s", err, out)
	}
	var ready struct{ URL, Debug, KeyID, Secret string }
	data, err := os.MkdirTemp(dir, "carillon-")
	if err != nil {
		return err
	}
	s.process, err = launch(ctx, dir, "carillon", &ready, binary, "--listen=127.0.0.1:0", "--media=127.0.0.1:0", "--data="+data, "--log=warn")
	if err != nil {
		return err
	}
	s.debug = ready.Debug
	s.options.CarillonURL, s.options.KeyID, s.options.Secret = ready.URL, ready.KeyID, ready.Secret
	return nil
}

func (s *carillon) build(ctx context.Context, binary string) ([]byte, error) {
	c := exec.CommandContext(ctx, "go", "build", "-tags", "nolibopusfile", "-o", binary, "./test/load/peers/carillon")
	c.Dir = s.options.Root
	return c.CombinedOutput()
}

func (s *carillon) Stop() {
	s.process.stop()
	s.process = nil
}

func (s *carillon) Pids() []int {
	if s.process == nil {
		return []int{s.options.CarillonPID}
	}
	return s.process.pids()
}

func (s *carillon) Goroutines(ctx context.Context) (int, error) {
	text, err := s.ask(ctx, "/goroutines")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

func (s *carillon) Profile(ctx context.Context, seconds int, file string) error {
	profile, err := s.ask(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
	if err != nil {
		return err
	}
	return os.WriteFile(file, profile, 0o644)
}

// ask reads from the private listener.
func (s *carillon) ask(ctx context.Context, path string) ([]byte, error) {
	if s.debug == "" {
		return nil, fmt.Errorf("a Carillon that was not started here tells nothing about itself")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.debug+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}

// call is a signed request to the meetings API.
func (s *carillon) call(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.options.CarillonURL+"/chime"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	hash := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: s.options.KeyID, SecretAccessKey: s.options.Secret}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, hex.EncodeToString(hash[:]), "chime", "eu-central-1", time.Now()); err != nil {
		return err
	}
	return fetch(r, out)
}

type carillonRoom struct {
	server    *carillon
	engine    *lean.Engine
	id        string
	signaling string
}

func (s *carillon) Room(ctx context.Context, engine *lean.Engine) (Room, error) {
	var out struct {
		Meeting struct {
			MeetingID      string `json:"MeetingId"`
			MediaPlacement struct {
				SignalingURL string `json:"SignalingUrl"`
			}
		}
	}
	name := fmt.Sprint("load-", time.Now().UnixNano())
	err := s.call(ctx, "/meetings", map[string]string{"ClientRequestToken": name, "MediaRegion": "eu-central-1", "ExternalMeetingId": name}, &out)
	return &carillonRoom{server: s, engine: engine, id: out.Meeting.MeetingID, signaling: out.Meeting.MediaPlacement.SignalingURL}, err
}

// Admit makes an attendee; its join token is the ticket.
func (r *carillonRoom) Admit(ctx context.Context, p Person) (token string, err error) {
	var out struct {
		Attendee struct{ JoinToken string }
	}
	err = r.server.call(ctx, "/meetings/"+r.id+"/attendees", map[string]string{"ExternalUserId": p.Name}, &out)
	return out.Attendee.JoinToken, err
}
