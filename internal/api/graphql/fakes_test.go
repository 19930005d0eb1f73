package graphql

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/api/placement"
	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
)

// fakeAccounts knows sessions by token.
type fakeAccounts struct {
	mu       sync.Mutex
	sessions map[string]accounts.Session
}

func (f *fakeAccounts) Authenticate(_ context.Context, token string) (accounts.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.sessions[token]
	if !ok {
		return accounts.Session{}, errs.New(errs.Unauthenticated, "Sign in first.")
	}
	return s, nil
}

func (f *fakeAccounts) UpdateName(_ context.Context, s accounts.Session, name string) (accounts.Account, error) {
	s.Account.Name = name
	return s.Account, nil
}

func (f *fakeAccounts) signOut(token string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.sessions, token)
}

// fakeMeetings keeps meetings in memory, newest first, and records what it was asked.
type fakeMeetings struct {
	mu     sync.Mutex
	fail   error // answer of every call
	panics bool
	list   []meetings.Meeting
	query  meetings.ListQuery
	change meetings.MeetingChange
	joined string
	actor  authz.Actor
	block  chan struct{} // when set, Get waits for it
}

func (f *fakeMeetings) called(actor authz.Actor) error {
	f.actor = actor
	if f.panics {
		panic("secret detail")
	}
	return f.fail
}

func (f *fakeMeetings) Create(_ context.Context, actor authz.Actor, in meetings.NewMeeting) (meetings.Meeting, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.called(actor); err != nil {
		return meetings.Meeting{}, err
	}
	m := meetings.Meeting{
		ID: in.ID, Title: in.Title, Description: in.Description, ConferenceID: in.ConferenceID, OwnerID: actor.AccountID,
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC), UpdatedAt: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
	}
	f.list = slices.Insert(f.list, 0, m)
	return m, nil
}

func (f *fakeMeetings) Get(ctx context.Context, actor authz.Actor, id string) (meetings.Meeting, error) {
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return meetings.Meeting{}, ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.called(actor); err != nil {
		return meetings.Meeting{}, err
	}
	for _, m := range f.list {
		if m.ID == id {
			return m, nil
		}
	}
	return meetings.Meeting{}, errs.New(errs.NotFound, "There is no such meeting.")
}

func (f *fakeMeetings) List(_ context.Context, actor authz.Actor, q meetings.ListQuery) (meetings.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.query = q
	return meetings.Page{Items: slices.Clone(f.list), NextToken: strings.Repeat("t", len(f.list))}, f.called(actor)
}

func (f *fakeMeetings) Update(_ context.Context, actor authz.Actor, c meetings.MeetingChange) (meetings.Meeting, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = c
	return meetings.Meeting{ID: c.ID}, f.called(actor)
}

func (f *fakeMeetings) Delete(_ context.Context, actor authz.Actor, id string) (meetings.Meeting, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return meetings.Meeting{ID: id, Title: "as it was"}, f.called(actor)
}

func (f *fakeMeetings) Join(_ context.Context, actor authz.Actor, id, displayName string) (meetings.Joined, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.joined = id + " as " + displayName
	return meetings.Joined{
		Meeting:    meetings.Meeting{ID: id},
		Conference: meetings.Conference{ID: "c1", ExternalID: "x1", MediaRegion: "local", Features: meetings.Features{VideoResolution: "FHD", MaxAttendees: 9}},
		Attendee:   meetings.Attendee{ID: "t1", ExternalUserID: "u#Alice", JoinToken: "jt", Capabilities: meetings.Capabilities{Audio: "SendReceive", Video: "Send", Content: "None"}},
	}, f.called(actor)
}

// memoryLog is an events.Log without durable consumers.
type memoryLog struct {
	mu     sync.Mutex
	events []events.Event
}

func (l *memoryLog) After(_ context.Context, seq int64, limit int) ([]events.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.events[seq:])
	return out[:min(limit, len(out))], nil
}

func (l *memoryLog) Last(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.events)), nil
}

func (l *memoryLog) Cursor(context.Context, string) (int64, error)  { return 0, nil }
func (l *memoryLog) SetCursor(context.Context, string, int64) error { return nil }
func (l *memoryLog) Prune(context.Context, time.Time) error         { return nil }

// countingFeed counts the subscriptions that were made.
type countingFeed struct {
	*events.Feed
	subscribed atomic.Int32
}

func (f *countingFeed) Subscribe(types ...events.Type) *events.Subscription {
	defer f.subscribed.Add(1)
	return f.Feed.Subscribe(types...)
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// world is a server with everything it needs.
type world struct {
	*Server
	t        *testing.T
	accounts *fakeAccounts
	meetings *fakeMeetings
	log      *memoryLog
	feed     *countingFeed
	logged   *syncBuffer
}

const aliceToken, bobToken = "alice-token", "bob-token"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t,
		accounts: &fakeAccounts{sessions: map[string]accounts.Session{
			aliceToken: {ID: "s1", Account: accounts.Account{ID: "a1", Email: "alice@example.org", Name: "Alice"}},
			bobToken:   {ID: "s2", Account: accounts.Account{ID: "b1", Email: "bob@example.org", Name: "Bob", Groups: []string{authz.Operators}}},
		}},
		meetings: &fakeMeetings{},
		log:      &memoryLog{},
		logged:   &syncBuffer{},
	}
	logger := slog.New(slog.NewTextHandler(w.logged, nil))
	w.feed = &countingFeed{Feed: events.NewFeed(w.log, logger)}
	w.feed.Start()
	w.Server = New(Config{
		Accounts:  w.accounts,
		Meetings:  w.meetings,
		Feed:      w.feed,
		Placement: placement.New("", ""),
		SessionToken: func(r *http.Request) string {
			cookie, err := r.Cookie("session")
			if err != nil {
				return ""
			}
			return cookie.Value
		},
		PublicURL: "https://meet.example.org",
		Logger:    logger,
	})
	t.Cleanup(func() {
		w.Server.Close()
		w.feed.Close()
	})
	return w
}

// emit puts an event about a meeting into the feed, as a committed change would.
func (w *world) emit(kind events.Type, m meetings.Meeting) {
	w.t.Helper()
	payload, err := json.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.log.mu.Lock()
	w.log.events = append(w.log.events, events.Event{Seq: int64(len(w.log.events) + 1), Type: kind, Subject: m.ID, Payload: payload})
	w.log.mu.Unlock()
	w.feed.Wake()
}

// post sends an operation as the holder of the token and returns status and body.
func (w *world) post(token, query, variables string) (int, string) {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(variables)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.postRaw(token, string(body), "application/json")
}

func (w *world) postRaw(token, body, contentType string) (int, string) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://server.test/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: "session", Value: token})
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Code, strings.TrimSpace(rec.Body.String())
}
