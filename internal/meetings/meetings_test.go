package meetings_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/ids"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

// fixture is a service on a true store with a clock of its own.
type fixture struct {
	*meetings.Service
	store *storage.Store
	feed  *events.Feed

	mu  sync.Mutex
	now time.Time
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2030, 1, 2, 3, 4, 5, 6789, time.FixedZone("x", 3600))}
	logger := slog.New(slog.DiscardHandler)
	store, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite://" + filepath.Join(t.TempDir(), "a.db"),
		Logger: logger, OnCommit: func() { f.feed.Wake() }})
	if err != nil {
		t.Fatal(err)
	}
	f.store, f.feed = store, events.NewFeed(store, logger)
	t.Cleanup(func() {
		f.feed.Close()
		store.Close()
	})
	f.Service = meetings.New(meetings.Config{Store: store, Clock: f.clock, JoinKey: []byte("0123456789abcdef"), Logger: logger})
	return f
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fails(t *testing.T, err error, code errs.Code) {
	t.Helper()
	if err == nil || errs.CodeOf(err) != code {
		t.Fatalf("error %v, want code %s", err, code)
	}
}

// The actors of the tests.
func ann() authz.Actor      { return authz.Actor{AccountID: "a0a0a0a0-1111-4222-8333-444444444444"} }
func bob() authz.Actor      { return authz.Actor{AccountID: "b0b0b0b0-1111-4222-8333-444444444444"} }
func operator() authz.Actor { return authz.Actor{AccountID: "eve", Groups: []string{authz.Operators}} }
func key(id string) authz.Actor {
	return authz.Actor{KeyID: "CK" + id}
}

func (f *fixture) create(t *testing.T, title string) meetings.Meeting {
	t.Helper()
	f.pass(time.Millisecond)
	m, err := f.Create(t.Context(), ann(), meetings.NewMeeting{Title: title})
	ok(t, err)
	return m
}

// happened returns the events since the given position as "type subject".
func (f *fixture) happened(t *testing.T, since int64) []string {
	t.Helper()
	list, err := f.store.After(t.Context(), since, 1000)
	ok(t, err)
	var lines []string
	for _, e := range list {
		lines = append(lines, string(e.Type)+" "+e.Subject)
	}
	return lines
}

func (f *fixture) position(t *testing.T) int64 {
	t.Helper()
	n, err := f.store.Last(t.Context())
	ok(t, err)
	return n
}

func TestCreateAndGet(t *testing.T) {
	f := newFixture(t)
	m, err := f.Create(t.Context(), ann(), meetings.NewMeeting{Title: "  Plan 会議 ", Description: "one\ntwo", ConferenceID: "kept"})
	ok(t, err)
	if !ids.IsGUID(m.ID) || m.Title != "Plan 会議" || m.OwnerID != ann().AccountID || m.ConferenceID != "kept" || m.CreatedAt != m.UpdatedAt {
		t.Fatalf("meeting %+v", m)
	}
	got, err := f.Get(t.Context(), bob(), m.ID)
	ok(t, err)
	if got != m {
		t.Fatalf("got %+v, want %+v", got, m)
	}
	list, err := f.store.After(t.Context(), 0, 10)
	ok(t, err)
	var payload meetings.Meeting
	ok(t, json.Unmarshal(list[0].Payload, &payload))
	if len(list) != 1 || list[0].Type != events.MeetingCreated || list[0].Subject != m.ID || payload != m {
		t.Fatalf("events %+v", list)
	}
	_, err = f.Create(t.Context(), bob(), meetings.NewMeeting{ID: m.ID, Title: "x"})
	fails(t, err, errs.Conflict)
	own, err := f.Create(t.Context(), bob(), meetings.NewMeeting{ID: "my-own_id.1", Title: "x"})
	ok(t, err)
	if own.ID != "my-own_id.1" {
		t.Fatalf("id %s", own.ID)
	}
}

func TestMeetingIsChecked(t *testing.T) {
	f := newFixture(t)
	m := f.create(t, "t")
	tests := map[string]struct {
		in    meetings.NewMeeting
		field string
	}{
		"no title":          {meetings.NewMeeting{Title: " \n "}, "title"},
		"long title":        {meetings.NewMeeting{Title: strings.Repeat("界", 501)}, "title"},
		"two lines":         {meetings.NewMeeting{Title: "a\nb"}, "title"},
		"not text":          {meetings.NewMeeting{Title: "a\xff"}, "title"},
		"long description":  {meetings.NewMeeting{Title: "a", Description: strings.Repeat("界", 5001)}, "description"},
		"NUL":               {meetings.NewMeeting{Title: "a", Description: "\x00"}, "description"},
		"bad id":            {meetings.NewMeeting{Title: "a", ID: "a/b"}, "id"},
		"long conferenceId": {meetings.NewMeeting{Title: "a", ConferenceID: strings.Repeat("a", 129)}, "meetingId"},
	}
	for name, test := range tests {
		_, err := f.Create(t.Context(), ann(), test.in)
		if _, field := errs.Public(err); errs.CodeOf(err) != errs.Invalid || field != test.field {
			t.Errorf("create, %s: %v about %q", name, err, field)
		}
		if test.in.ID != "" {
			continue
		}
		_, err = f.Update(t.Context(), ann(), meetings.MeetingChange{ID: m.ID, Title: &test.in.Title, Description: &test.in.Description, ConferenceID: &test.in.ConferenceID})
		if _, field := errs.Public(err); errs.CodeOf(err) != errs.Invalid || field != test.field {
			t.Errorf("update, %s: %v about %q", name, err, field)
		}
	}
	if got := f.happened(t, 0); len(got) != 1 {
		t.Errorf("refused changes have left events: %v", got)
	}
	_, err := f.Create(t.Context(), ann(), meetings.NewMeeting{Title: strings.Repeat("界", 500), Description: strings.Repeat("界", 5000)})
	ok(t, err)
}

func TestList(t *testing.T) {
	f := newFixture(t)
	var want []string
	for i := range 7 {
		want = append([]string{f.create(t, fmt.Sprint("t", i)).ID}, want...)
	}
	var got []string
	q := meetings.ListQuery{Limit: 3}
	for pages := 1; ; pages++ {
		page, err := f.List(t.Context(), bob(), q)
		ok(t, err)
		for _, m := range page.Items {
			got = append(got, m.ID)
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			if pages != 3 {
				t.Errorf("%d pages, want 3", pages)
			}
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	page, err := f.List(t.Context(), bob(), meetings.ListQuery{Limit: 7})
	ok(t, err)
	if len(page.Items) != 7 || page.NextToken != "" {
		t.Errorf("a page that just fits has %d and token %q", len(page.Items), page.NextToken)
	}
	page, err = f.List(t.Context(), bob(), meetings.ListQuery{Filter: meetings.Filter{Title: meetings.Match{Contains: "3"}}})
	ok(t, err)
	if len(page.Items) != 1 || page.Items[0].Title != "t3" {
		t.Errorf("filtered: %+v", page)
	}
	for _, q := range []meetings.ListQuery{{Limit: -1}, {NextToken: "x"}, {NextToken: "MSBhL2I"}, {NextToken: "eCB5"}} {
		_, err := f.List(t.Context(), bob(), q)
		fails(t, err, errs.Invalid)
	}
	page, err = f.List(t.Context(), bob(), meetings.ListQuery{Limit: 1 << 60})
	ok(t, err)
	if len(page.Items) != 7 {
		t.Errorf("a page without limit has %d", len(page.Items))
	}
}

func TestUpdate(t *testing.T) {
	f := newFixture(t)
	m := f.create(t, "old")
	since := f.position(t)
	f.pass(time.Second)
	title := " new "
	got, err := f.Update(t.Context(), ann(), meetings.MeetingChange{ID: m.ID, Title: &title})
	ok(t, err)
	if got.Title != "new" || got.Description != m.Description || got.UpdatedAt.Sub(m.UpdatedAt) != time.Second || got.CreatedAt != m.CreatedAt {
		t.Errorf("meeting %+v", got)
	}
	if h := f.happened(t, since); !slices.Equal(h, []string{"meeting.updated " + m.ID}) {
		t.Errorf("happened: %v", h)
	}
}

// TestWhoMay goes through every method with every kind of actor.
func TestWhoMay(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	title := "new"
	methods := map[string]func(a authz.Actor, id string) error{
		"get":  func(a authz.Actor, id string) error { _, err := f.Get(ctx, a, id); return err },
		"list": func(a authz.Actor, _ string) error { _, err := f.List(ctx, a, meetings.ListQuery{}); return err },
		"create": func(a authz.Actor, _ string) error {
			_, err := f.Create(ctx, a, meetings.NewMeeting{Title: "x"})
			return err
		},
		"join": func(a authz.Actor, id string) error { _, err := f.Join(ctx, a, id, "Name"); return err },
		"update": func(a authz.Actor, id string) error {
			_, err := f.Update(ctx, a, meetings.MeetingChange{ID: id, Title: &title})
			return err
		},
		"delete": func(a authz.Actor, id string) error { _, err := f.Delete(ctx, a, id); return err },
		"conference": func(a authz.Actor, _ string) error {
			_, err := f.CreateConference(ctx, a, meetings.NewConference{})
			return err
		},
	}
	type outcome map[string]errs.Code // by method, "" = may
	stranger := outcome{"get": errs.Unauthenticated, "list": errs.Unauthenticated, "create": errs.Unauthenticated, "join": errs.Unauthenticated,
		"update": errs.Unauthenticated, "delete": errs.Unauthenticated, "conference": errs.Unauthenticated}
	tests := map[string]struct {
		actor authz.Actor
		want  outcome
	}{
		"stranger": {authz.Actor{}, stranger},
		"owner":    {ann(), outcome{"conference": errs.Forbidden}},
		"operator": {operator(), outcome{"conference": errs.Forbidden}},
		"other":    {bob(), outcome{"update": errs.Forbidden, "delete": errs.Forbidden, "conference": errs.Forbidden}},
		"key": {key("1"), outcome{"get": errs.Forbidden, "list": errs.Forbidden, "create": errs.Forbidden, "join": errs.Forbidden,
			"update": errs.Forbidden, "delete": errs.Forbidden}},
	}
	for who, test := range tests {
		for method, call := range methods {
			m := f.create(t, "t")
			err := call(test.actor, m.ID)
			if want := test.want[method]; want == "" && err != nil || want != "" && (err == nil || errs.CodeOf(err) != want) {
				t.Errorf("%s by %s: %v, want %q", method, who, err, want)
			}
			if slices.Contains([]string{"get", "join", "update", "delete"}, method) {
				// Who may not read learns nothing about what exists; the others learn that it does not.
				want := test.want["get"]
				if want == "" {
					want = errs.NotFound
				}
				fails(t, call(test.actor, ids.New()), want)
			}
		}
	}
}

func TestDeleteEndsTheConference(t *testing.T) {
	f := newFixture(t)
	live := f.goLive()
	m := f.create(t, "t")
	j, err := f.Join(t.Context(), bob(), m.ID, "Bob")
	ok(t, err)
	since := f.position(t)

	deleted, err := f.Delete(t.Context(), ann(), m.ID)
	ok(t, err)
	if deleted != j.Meeting {
		t.Errorf("deleted %+v, it was %+v", deleted, j.Meeting)
	}
	want := []string{"meeting.deleted " + m.ID, "conference.ended " + j.Conference.ID}
	if got := f.happened(t, since); !slices.Equal(got, want) {
		t.Errorf("happened: %v, want %v", got, want)
	}
	live.wait(t, "end "+j.Conference.ID)
	_, err = f.Get(t.Context(), ann(), m.ID)
	fails(t, err, errs.NotFound)
	_, err = f.Join(t.Context(), bob(), m.ID, "Bob")
	fails(t, err, errs.NotFound)
	_, _, err = f.Authenticate(t.Context(), j.Conference.ID, j.Attendee.JoinToken)
	fails(t, err, errs.Gone)

	quiet := f.create(t, "without a conference")
	since = f.position(t)
	_, err = f.Delete(t.Context(), ann(), quiet.ID)
	ok(t, err)
	if got := f.happened(t, since); !slices.Equal(got, []string{"meeting.deleted " + quiet.ID}) {
		t.Errorf("happened: %v", got)
	}
}

// live is a meetings.Live that keeps a record.
type live struct{ calls chan string }

func newLive() *live { return &live{calls: make(chan string, 100)} }

// goLive starts the feed with a live side that records what it is told.
func (f *fixture) goLive() *live {
	l := newLive()
	f.SetLive(l)
	f.feed.Consume("meetings", f.HandleEvent)
	f.feed.Start()
	return l
}

func (l *live) EndConference(id string) { l.calls <- "end " + id }
func (l *live) RemoveAttendee(conferenceID, attendeeID string) {
	l.calls <- "remove " + attendeeID + " from " + conferenceID
}
func (l *live) SetCapabilities(conferenceID, attendeeID string, c meetings.Capabilities) {
	l.calls <- fmt.Sprint("set ", c, " for ", attendeeID, " of ", conferenceID)
}

func (l *live) wait(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-l.calls:
		if got != want {
			t.Fatalf("the live side was told %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("the live side was not told %q", want)
	}
}
