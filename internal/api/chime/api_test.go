package chime

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"carillon/internal/api/placement"
	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

const (
	keyID    = "CKAAAAAAAAAAAAAAAAAA"
	otherKey = "CKBBBBBBBBBBBBBBBBBB"
	secret   = "secret of the test"
	region   = "eu-central-1"
)

type keys struct{}

func (keys) KeySecret(_ context.Context, id string) (string, error) {
	if id == keyID || id == otherKey {
		return secret, nil
	}
	return "", errs.New(errs.NotFound, "There is no such access key.")
}

// memory is a meetings service that keeps conferences in a map, with only the rules that the API shows.
type memory struct {
	mu          sync.Mutex
	conferences map[string]meetings.Conference
	attendees   map[string]meetings.Attendee // by conference and external user id
	fail        error                        // returned by every method when set
	panics      bool
}

func newMemory() *memory {
	return &memory{conferences: map[string]meetings.Conference{}, attendees: map[string]meetings.Attendee{}}
}

func (m *memory) begin() error {
	if m.panics {
		panic("the secret inside of the server")
	}
	return m.fail
}

func (m *memory) CreateConference(_ context.Context, actor authz.Actor, in meetings.NewConference) (meetings.Conference, error) {
	if err := m.begin(); err != nil {
		return meetings.Conference{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.conferences {
		if c.KeyID == actor.KeyID && c.ClientRequestToken == in.ClientRequestToken {
			return c, nil
		}
	}
	c := meetings.Conference{ID: ids.New(), KeyID: actor.KeyID, ClientRequestToken: in.ClientRequestToken, ExternalID: in.ExternalID,
		MediaRegion: in.MediaRegion, HostID: in.HostID, Features: in.Features, TenantIDs: in.TenantIDs, Tags: in.Tags, PrimaryID: in.PrimaryID}
	m.conferences[c.ID] = c
	return c, nil
}

func (m *memory) GetConference(_ context.Context, actor authz.Actor, id string) (meetings.Conference, error) {
	if err := m.begin(); err != nil {
		return meetings.Conference{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.conferences[id]
	if !ok || c.KeyID != actor.KeyID {
		return meetings.Conference{}, errs.New(errs.NotFound, "There is no such conference.")
	}
	return c, nil
}

func (m *memory) DeleteConference(ctx context.Context, actor authz.Actor, id string) error {
	if _, err := m.GetConference(ctx, actor, id); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conferences, id)
	return nil
}

func (m *memory) CreateAttendee(ctx context.Context, actor authz.Actor, id string, in meetings.NewAttendee) (meetings.Attendee, error) {
	if _, err := m.GetConference(ctx, actor, id); err != nil {
		return meetings.Attendee{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, ok := m.attendees[id+in.ExternalUserID]; ok {
		return a, nil
	}
	a := meetings.Attendee{ID: ids.New(), ConferenceID: id, ExternalUserID: in.ExternalUserID, JoinToken: ids.Secret(48),
		Capabilities: meetings.Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}}
	if in.Capabilities != nil {
		a.Capabilities = *in.Capabilities
	}
	m.attendees[id+in.ExternalUserID] = a
	return a, nil
}

// api is a server with the API under /chime, and a client that signs like the SDK.
type api struct {
	*httptest.Server
	store *memory
}

func start(t *testing.T) api {
	t.Helper()
	store := newMemory()
	handler := New(Config{Meetings: store, Keys: keys{}, Placement: placement.New("https://meet.example.org", ":8081"), MediaRegions: []string{"attic"}})
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return api{server, store}
}

// sent is a request as a test wants it; the zero value is signed by the usual key.
type sent struct {
	method, path, body string
	key, secret        string
	contentType        *string // nil = that of the SDKs
	unsigned           bool
	edit               func(*http.Request) // after signing
}

func (a api) send(t *testing.T, s sent) response {
	t.Helper()
	got, err := a.do(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (a api) do(ctx context.Context, s sent) (response, error) {
	r, err := http.NewRequestWithContext(ctx, s.method, a.URL+s.path, strings.NewReader(s.body))
	if err != nil {
		return response{}, err
	}
	if s.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.contentType != nil {
		r.Header.Set("Content-Type", *s.contentType)
	}
	if !s.unsigned {
		if err := s.sign(r); err != nil {
			return response{}, err
		}
	}
	if s.edit != nil {
		s.edit(r)
	}
	client := *a.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errors.New("the API redirected") }
	got, err := client.Do(r)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	return response{got, text}, err
}

func (s sent) sign(r *http.Request) error {
	credentials := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if s.key != "" {
		credentials.AccessKeyID = s.key
	}
	if s.secret != "" {
		credentials.SecretAccessKey = s.secret
	}
	sum := sha256.Sum256([]byte(s.body))
	return v4.NewSigner().SignHTTP(r.Context(), credentials, r, hex.EncodeToString(sum[:]), "chime", region, time.Now())
}

func (a api) post(t *testing.T, path, body string) response {
	t.Helper()
	return a.send(t, sent{method: "POST", path: path, body: body})
}

type response struct {
	*http.Response
	text []byte
}

// decode reads a successful answer.
func (r response) decode(t *testing.T, to any) {
	t.Helper()
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/json" || !ids.IsGUID(r.Header.Get("x-amzn-RequestId")) {
		t.Fatalf("got %d %v %s", r.StatusCode, r.Header, r.text)
	}
	if err := json.Unmarshal(r.text, to); err != nil {
		t.Fatalf("%v: %s", err, r.text)
	}
}

// refused checks everything that clients read of an error.
func (r response) refused(t *testing.T, status int, name string) {
	t.Helper()
	if r.StatusCode != status || r.Header.Get("x-amzn-ErrorType") != name {
		t.Fatalf("got %d %s, want %d %s: %s", r.StatusCode, r.Header.Get("x-amzn-ErrorType"), status, name, r.text)
	}
	var body map[string]string
	if err := json.Unmarshal(r.text, &body); err != nil {
		t.Fatalf("the error is not JSON: %v: %s", err, r.text)
	}
	if r.Header.Get("Content-Type") != "application/json" || body["__type"] != name {
		t.Errorf("got type %q, body %s", r.Header.Get("Content-Type"), r.text)
	}
	if body["Message"]+body["message"] == "" {
		t.Errorf("the error has no message: %s", r.text)
	}
	id := r.Header.Get("x-amzn-RequestId")
	if !ids.IsGUID(id) {
		t.Errorf("request id %q", id)
	}
	if given, ok := body["RequestId"]; ok && given != id {
		t.Errorf("request id %q in the body, %q in the header", given, id)
	}
	if r.Header.Get("x-amzn-ErrorMessage") != "" {
		t.Error("some SDKs prefer this header to the body")
	}
	if r.Header.Get("Date") == "" {
		t.Error("clients correct their clock by the Date header")
	}
}

// document makes a JSON object of a valid request with some members replaced. An absent marker drops one.
type document map[string]any

type absent struct{}

func (d document) with(name string, value any) document {
	copied := document{}
	for n, v := range d {
		copied[n] = v
	}
	if _, drop := value.(absent); drop {
		delete(copied, name)
	} else {
		copied[name] = value
	}
	return copied
}

func (d document) String() string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any(d)); err != nil {
		panic(err)
	}
	return text.String()
}

func newMeeting() document {
	return document{"ClientRequestToken": ids.New(), "MediaRegion": region, "ExternalMeetingId": "standup"}
}

func (a api) createMeeting(t *testing.T, body document) meeting {
	t.Helper()
	var reply meetingReply
	a.post(t, "/chime/meetings", body.String()).decode(t, &reply)
	return reply.Meeting
}

func (a api) attendees(meetingID string) string {
	return fmt.Sprintf("/chime/meetings/%s/attendees", meetingID)
}
