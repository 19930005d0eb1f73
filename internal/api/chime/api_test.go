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
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"carillon/internal/accounts"
	"carillon/internal/api/placement"
	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

const (
	keyID    = "CKAAAAAAAAAAAAAAAAAA"
	otherKey = "CKBBBBBBBBBBBBBBBBBB"
	// limitedKey may do 10 requests of a kind per second and have 2 meetings.
	limitedKey = "CKLLLLLLLLLLLLLLLLLL"
	secret     = "secret of the test"
	region     = "eu-central-1"
)

// keys are two keys without limits and one with.
type keys struct{}

func (keys) Key(_ context.Context, id string) (accounts.APIKey, error) {
	k := accounts.APIKey{ID: id, Secret: secret}
	switch id {
	case keyID, otherKey:
	case limitedKey:
		k.Limits = accounts.KeyLimits{Rate: 10, MaxConferences: 2}
	default:
		return accounts.APIKey{}, errs.New(errs.NotFound, "There is no such access key.")
	}
	return k, nil
}

func (keys) KeyUsed(context.Context, accounts.APIKey) error { return nil }

// faulty is the meetings service with failures on demand.
type faulty struct {
	*meetings.Service
	fail   error // returned by CreateConferenceWithAttendees when set
	panics bool
}

func (m *faulty) CreateConferenceWithAttendees(ctx context.Context, actor authz.Actor, in meetings.NewConference, list []meetings.NewAttendee) (meetings.Conference, []meetings.Admission, error) {
	if m.panics {
		panic("the secret inside of the server")
	}
	if m.fail != nil {
		return meetings.Conference{}, nil, m.fail
	}
	return m.Service.CreateConferenceWithAttendees(ctx, actor, in, list)
}

// openServices puts the true services on a database of their own.
func openServices(t testing.TB) (*meetings.Service, *storage.Store) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	store, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite://" + filepath.Join(t.TempDir(), "carillon.db"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return meetings.New(meetings.Config{Store: store, JoinKey: bytes.Repeat([]byte{2}, 32), Logger: logger}), store
}

// api is a server with the API under /chime, and a client that signs like the SDK.
type api struct {
	*httptest.Server
	service *faulty
	store   *storage.Store
}

func start(t *testing.T) api {
	t.Helper()
	return startWith(t, Config{})
}

// startOld starts the older API under /console.
func startOld(t *testing.T) api {
	t.Helper()
	return startWith(t, Config{Prefix: "/console", Legacy: true})
}

func startWith(t *testing.T, cfg Config) api {
	t.Helper()
	service, store := openServices(t)
	a := api{service: &faulty{Service: service}, store: store}
	cfg.Meetings, cfg.Keys, cfg.Placement, cfg.MediaRegions = a.service, keys{}, placement.New("https://meet.example.org", ":8081"), []string{"attic"}
	a.Server = httptest.NewServer(New(cfg))
	t.Cleanup(a.Close)
	return a
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
	var body map[string]any
	if err := json.Unmarshal(r.text, &body); err != nil {
		t.Fatalf("the error is not JSON: %v: %s", err, r.text)
	}
	if r.Header.Get("Content-Type") != "application/json" || body["__type"] != name {
		t.Errorf("got type %q, body %s", r.Header.Get("Content-Type"), r.text)
	}
	if body["Message"] == nil && body["message"] == nil {
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
