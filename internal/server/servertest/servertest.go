// Package servertest starts the true server for tests, on ports of its own choosing and with a data
// directory that goes away afterwards, and talks to it as clients do.
package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"carillon/internal/config"
	"carillon/internal/server"
)

// Server is a running server.
type Server struct {
	*server.Server
	Data string
}

// Start runs a server with an empty data directory until the test ends. The arguments are flags of
// `carillon serve`.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return StartIn(t, t.TempDir(), args...)
}

// StartIn is Start with a data directory that may hold something already.
func StartIn(t testing.TB, data string, args ...string) *Server {
	t.Helper()
	s, err := start(t, data, args...)
	if err != nil {
		t.Fatalf("the server does not start: %v", err)
	}
	running := &Server{Server: s, Data: data}
	t.Cleanup(func() { running.Stop(t) })
	return running
}

// StartFails starts a server that is not expected to come up, and returns the error.
func StartFails(t testing.TB, args ...string) error {
	t.Helper()
	s, err := start(t, t.TempDir(), args...)
	if err == nil {
		(&Server{Server: s}).Stop(t)
	}
	return err
}

func start(t testing.TB, data string, args ...string) (*server.Server, error) {
	t.Helper()
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(flags)
	args = append([]string{"--listen=127.0.0.1:0", "--media=127.0.0.1:0", "--data=" + data}, args...)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(flags, nil)
	if err != nil {
		t.Fatal(err)
	}
	return server.Start(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
}

// Stop ends the server in order; it may be called twice.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.Server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Errorf("the server does not end in order: %v", err)
	}
	s.Server = nil
}

// Browser is a client with cookies of its own.
type Browser struct {
	t      testing.TB
	server *Server
	client *http.Client
}

// Browser returns a new client that is not signed in.
func (s *Server) Browser(t testing.TB) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Browser{t: t, server: s, client: &http.Client{Jar: jar, Timeout: 20 * time.Second}}
}

// SignUp makes an account and signs in to it.
func (s *Server) SignUp(t testing.TB, name string) *Browser {
	t.Helper()
	b := s.Browser(t)
	status, body := b.Post("/auth/sign-up", map[string]string{"email": name + "@example.org", "password": "correct horse battery", "name": name})
	if status != http.StatusCreated {
		t.Fatalf("sign-up: %d %s", status, body)
	}
	return b
}

// Post sends JSON and returns the status and the body of the answer.
func (b *Browser) Post(path string, body any) (int, []byte) {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.server.URL()+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, answer
}

// GraphQL runs an operation and decodes its data into out, if that is not nil. It returns the code of
// the first error, or "".
func (b *Browser) GraphQL(query string, variables map[string]any, out any) string {
	b.t.Helper()
	_, body := b.Post("/graphql", map[string]any{"query": query, "variables": variables})
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		b.t.Fatalf("%v: %s", err, body)
	}
	if len(answer.Errors) > 0 {
		if answer.Errors[0].Extensions.Code == "" {
			b.t.Fatalf("an error without a code: %s", body)
		}
		return answer.Errors[0].Extensions.Code
	}
	if out != nil {
		if err := json.Unmarshal(answer.Data, out); err != nil {
			b.t.Fatalf("%v: %s", err, body)
		}
	}
	return ""
}

// CreateMeeting makes a meeting and returns its id.
func (b *Browser) CreateMeeting(title string) string {
	b.t.Helper()
	var out struct{ CreateMeeting struct{ ID string } }
	if code := b.GraphQL(`mutation($t: String!) { createMeeting(input: {title: $t, description: "about it"}) { id } }`, map[string]any{"t": title}, &out); code != "" {
		b.t.Fatalf("createMeeting: %s", code)
	}
	return out.CreateMeeting.ID
}

// Ticket is what a client needs to join a conference.
type Ticket struct{ ConferenceID, SignalingURL, AttendeeID, ExternalUserID, Token string }

// Join lets the person into a meeting.
func (b *Browser) Join(meetingID string) Ticket {
	b.t.Helper()
	var out struct {
		JoinMeeting struct {
			Meeting struct {
				Meeting struct {
					MeetingId      string
					MediaPlacement struct{ SignalingUrl string }
				}
			}
			Attendee struct {
				Attendee struct{ AttendeeId, ExternalUserId, JoinToken string }
			}
		}
	}
	if code := b.GraphQL(`mutation($id: ID!) { joinMeeting(id: $id) { meeting attendee } }`, map[string]any{"id": meetingID}, &out); code != "" {
		b.t.Fatalf("joinMeeting: %s", code)
	}
	m, a := out.JoinMeeting.Meeting.Meeting, out.JoinMeeting.Attendee.Attendee
	return Ticket{ConferenceID: m.MeetingId, SignalingURL: m.MediaPlacement.SignalingUrl, AttendeeID: a.AttendeeId, ExternalUserID: a.ExternalUserId, Token: a.JoinToken}
}
