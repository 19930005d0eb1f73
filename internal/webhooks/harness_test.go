package webhooks_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/storage"
	"carillon/internal/webhooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long to wait for what has to happen.
const patience = 20 * time.Second

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// receiver is a program that takes events. It counts what it took and answers what answer says.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	taken  []request
	answer func(w http.ResponseWriter, r request)
}

type request struct {
	header http.Header
	body   []byte
	n      int // how many came before
	event  struct {
		ID     string
		Detail struct{ EventType, MeetingID, AttendeeID string }
	}
}

func newReceiver(t *testing.T, answer func(w http.ResponseWriter, r request)) *receiver {
	t.Helper()
	v := &receiver{answer: answer}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := request{header: r.Header}
		var err error
		if got.body, err = io.ReadAll(r.Body); err != nil || r.Method != http.MethodPost {
			t.Errorf("%s: %v", r.Method, err)
		}
		if err := json.Unmarshal(got.body, &got.event); err != nil {
			t.Errorf("%v: %s", err, got.body)
		}
		v.mu.Lock()
		got.n = len(v.taken)
		v.taken = append(v.taken, got)
		v.mu.Unlock()
		if v.answer != nil {
			v.answer(w, got)
		}
	}))
	t.Cleanup(v.Server.Close)
	return v
}

func (v *receiver) requests() []request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.taken)
}

// world is a store with webhooks, and conferences to tell of.
type world struct {
	t       *testing.T
	store   *storage.Store
	service *webhooks.Service
	cfg     webhooks.DispatcherConfig
	seq     int64
	known   map[string]meetings.Conference
}

func (w *world) Conference(_ context.Context, id string) (meetings.Conference, error) {
	c, ok := w.known[id]
	if !ok {
		return c, errs.New(errs.NotFound, "no")
	}
	return c, nil
}

func sealKey() []byte { return bytes.Repeat([]byte{3}, 32) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, known: map[string]meetings.Conference{"c1": {ID: "c1", KeyID: "K1"}, "c2": {ID: "c2", KeyID: "K2"}, "c3": {ID: "c3"}}}
	var err error
	w.store, err = storage.Open(t.Context(), storage.Options{
		DSN: "sqlite://" + filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.DiscardHandler)})
	ok(t, err)
	t.Cleanup(func() { ok(t, w.store.Close()) })
	w.service = webhooks.NewService(webhooks.ServiceConfig{Store: w.store, SealKey: sealKey()})
	w.cfg = webhooks.DispatcherConfig{Store: w.store, Conferences: w, SealKey: sealKey(), Logger: slog.New(slog.DiscardHandler),
		Guard:      webhooks.Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		FirstRetry: time.Millisecond, LastRetry: 10 * time.Millisecond}
	return w
}

// start runs a dispatcher until the test ends, or until stop is called.
func (w *world) start() (d *webhooks.Dispatcher, stop func()) {
	d = webhooks.NewDispatcher(w.cfg)
	d.Start()
	stop = sync.OnceFunc(d.Close)
	w.t.Cleanup(stop)
	return d, stop
}

func system() authz.Actor { return authz.Actor{System: true} }

func (w *world) hook(url, keyID string, types ...string) webhooks.Webhook {
	w.t.Helper()
	h, err := w.service.Create(w.t.Context(), system(), webhooks.NewWebhook{URL: url, KeyID: keyID, EventTypes: types})
	ok(w.t, err)
	return h
}

// happen is what the change feed says next about a conference.
func (w *world) happen(change events.Type, conferenceID string) events.Event {
	w.seq++
	e := events.Event{Seq: w.seq, Type: change, Subject: "a", At: time.Now(),
		Payload: []byte(`{"conferenceId":"` + conferenceID + `","attendeeId":"a","externalUserId":"ann"}`)}
	if change == events.ConferenceCreated || change == events.ConferenceEnded {
		e.Subject, e.Payload = conferenceID, []byte(`{"id":"`+conferenceID+`"}`)
	}
	return e
}

func (w *world) deliveries(h webhooks.Webhook, q webhooks.Query) []webhooks.Delivery {
	w.t.Helper()
	list, err := w.service.Deliveries(w.t.Context(), system(), h.ID, q)
	ok(w.t, err)
	return list
}

// genuine checks a request as the documentation tells receivers to.
func genuine(secret string, r request) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "." + string(r.body)))
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for got := range strings.FieldsSeq(r.header.Get("webhook-signature")) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return true
		}
	}
	return false
}
