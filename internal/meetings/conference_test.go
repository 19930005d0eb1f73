package meetings_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

func TestJoin(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	m := f.create(t, "t")
	since := f.position(t)
	first, err := f.Join(ctx, bob(), m.ID, "  Bob\n ")
	ok(t, err)
	if first.Meeting.ConferenceID != first.Conference.ID || first.Conference.MeetingID != m.ID || first.Attendee.ConferenceID != first.Conference.ID {
		t.Fatalf("joined %+v", first)
	}
	if first.Attendee.ExternalUserID != "b0b0b0b0#Bob" || first.Attendee.AccountID != bob().AccountID ||
		first.Attendee.Capabilities != (meetings.Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}) {
		t.Errorf("attendee %+v", first.Attendee)
	}
	want := []string{"conference.created " + first.Conference.ID, "meeting.updated " + m.ID, "attendee.created " + first.Attendee.ID}
	if got := f.happened(t, since); !slices.Equal(got, want) {
		t.Errorf("happened: %v, want %v", got, want)
	}

	since = f.position(t)
	again, err := f.Join(ctx, bob(), m.ID, "Robert")
	ok(t, err)
	first.Attendee.ExternalUserID = "b0b0b0b0#Robert"
	if !reflect.DeepEqual(again, first) {
		t.Errorf("who joins again is %+v, was %+v", again, first)
	}
	_, a, err := f.Authenticate(ctx, again.Conference.ID, again.Attendee.JoinToken)
	ok(t, err)
	if a != again.Attendee {
		t.Errorf("authenticated %+v, want %+v", a, again.Attendee)
	}
	other, err := f.Join(ctx, ann(), m.ID, "Ann")
	ok(t, err)
	if other.Conference.ID != first.Conference.ID || other.Attendee.ID == first.Attendee.ID || other.Attendee.JoinToken == first.Attendee.JoinToken {
		t.Errorf("another person: %+v", other)
	}
	if got := f.happened(t, since); !slices.Equal(got, []string{"attendee.created " + other.Attendee.ID}) {
		t.Errorf("happened: %v", got)
	}
}

func TestJoinCutsTheName(t *testing.T) {
	f := newFixture(t)
	m := f.create(t, "t")
	j, err := f.Join(t.Context(), bob(), m.ID, strings.Repeat("界", 200))
	ok(t, err)
	if n := utf8.RuneCountInString(j.Attendee.ExternalUserID); n != 64 {
		t.Errorf("%d characters, want 64", n)
	}
	for _, name := range []string{"", " \n\t", "\xff\x00"} {
		_, err := f.Join(t.Context(), bob(), m.ID, name)
		fails(t, err, errs.Invalid)
	}
}

func TestJoinsTogetherOpenOneConference(t *testing.T) {
	f := newFixture(t)
	m := f.create(t, "t")
	since := f.position(t)
	const people, each = 6, 3
	var mu sync.Mutex
	conferences, attendees := make(map[string]int), make(map[string]int)
	var done sync.WaitGroup
	for p := range people {
		for range each {
			done.Go(func() {
				j, err := f.Join(t.Context(), authz.Actor{AccountID: fmt.Sprint("person", p)}, m.ID, "Name")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				conferences[j.Conference.ID]++
				attendees[j.Attendee.ID]++
			})
		}
	}
	done.Wait()
	if len(conferences) != 1 || len(attendees) != people {
		t.Errorf("%d conferences and %d attendees, want 1 and %d", len(conferences), len(attendees), people)
	}
	if got := f.happened(t, since); len(got) != 2+people {
		t.Errorf("happened: %v", got)
	}
}

func TestConferenceIsFull(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	small, err := f.CreateConference(ctx, key("1"), meetings.NewConference{Features: meetings.Features{MaxAttendees: 2}})
	ok(t, err)
	for i := range 2 {
		_, err := f.CreateAttendee(ctx, key("1"), small.ID, meetings.NewAttendee{ExternalUserID: fmt.Sprint("user", i)})
		ok(t, err)
	}
	_, err = f.CreateAttendee(ctx, key("1"), small.ID, meetings.NewAttendee{ExternalUserID: "user2"})
	fails(t, err, errs.LimitExceeded)
	a, err := f.CreateAttendee(ctx, key("1"), small.ID, meetings.NewAttendee{ExternalUserID: "user1"}) // is in already
	ok(t, err)
	ok(t, f.DeleteAttendee(ctx, key("1"), small.ID, a.ID))
	_, err = f.CreateAttendee(ctx, key("1"), small.ID, meetings.NewAttendee{ExternalUserID: "user2"})
	ok(t, err)

	m := f.create(t, "t")
	for i := range 250 {
		_, err := f.Join(ctx, authz.Actor{AccountID: fmt.Sprint("person", i)}, m.ID, "x")
		ok(t, err)
	}
	_, err = f.Join(ctx, bob(), m.ID, "x")
	fails(t, err, errs.LimitExceeded)
}

func TestConferencesOfKeys(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	in := meetings.NewConference{ClientRequestToken: "r1", ExternalID: "ext", MediaRegion: "eu", HostID: "h",
		Features: meetings.Features{EchoReduction: "AVAILABLE"}, TenantIDs: []string{"t"}, Tags: map[string]string{"a": "b"}}
	c, err := f.CreateConference(ctx, key("1"), in)
	ok(t, err)
	again, err := f.CreateConference(ctx, key("1"), meetings.NewConference{ClientRequestToken: "r1", ExternalID: "other"})
	ok(t, err)
	if !reflect.DeepEqual(again, c) {
		t.Errorf("a repeat made %+v of %+v", again, c)
	}
	others, err := f.CreateConference(ctx, key("2"), in)
	ok(t, err)
	if others.ID == c.ID {
		t.Error("two keys share a conference")
	}
	got, err := f.GetConference(ctx, key("1"), strings.ToUpper(c.ID))
	ok(t, err)
	if !reflect.DeepEqual(got, c) || got.ExternalID != "ext" || got.Tags["a"] != "b" {
		t.Errorf("got %+v, want %+v", got, c)
	}
	for _, call := range []func() error{
		func() error { _, err := f.GetConference(ctx, key("2"), c.ID); return err },
		func() error { return f.DeleteConference(ctx, key("2"), c.ID) },
		func() error {
			_, err := f.CreateAttendee(ctx, key("2"), c.ID, meetings.NewAttendee{ExternalUserID: "user"})
			return err
		},
		func() error { return f.DeleteAttendee(ctx, key("2"), c.ID, ids.New()) },
		func() error { _, err := f.GetConference(ctx, key("1"), ids.New()); return err },
		func() error { _, err := f.GetConference(ctx, key("1"), "' OR 1=1"); return err },
	} {
		fails(t, call(), errs.NotFound)
	}
	ok(t, f.DeleteConference(ctx, key("1"), c.ID))
	fails(t, f.DeleteConference(ctx, key("1"), c.ID), errs.NotFound)
	_, err = f.GetConference(ctx, key("1"), c.ID)
	fails(t, err, errs.NotFound)
	_, err = f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: "user"})
	fails(t, err, errs.NotFound)
	fresh, err := f.CreateConference(ctx, key("1"), in)
	ok(t, err)
	if fresh.ID == c.ID {
		t.Error("the request token brought an ended conference back")
	}

	m := f.create(t, "listed")
	j, err := f.Join(ctx, ann(), m.ID, "Ann")
	ok(t, err)
	_, err = f.GetConference(ctx, key("1"), j.Conference.ID)
	fails(t, err, errs.NotFound)
}

func TestCreateConferencesTogether(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	seen := make(map[string]bool)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			c, err := f.CreateConference(t.Context(), key("1"), meetings.NewConference{ClientRequestToken: "r"})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[c.ID] = true
		})
	}
	done.Wait()
	if len(seen) != 1 {
		t.Errorf("one request made %d conferences", len(seen))
	}
}

func TestAttendees(t *testing.T) {
	f := newFixture(t)
	live := f.goLive()
	ctx := t.Context()
	c, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	caps := meetings.Capabilities{Audio: "Send", Video: "None", Content: "None"}
	a, err := f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: "user", Capabilities: &caps})
	ok(t, err)
	if a.Capabilities != caps || a.ExternalUserID != "user" || !ids.IsGUID(a.ID) {
		t.Errorf("attendee %+v", a)
	}
	again, err := f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: "user"})
	ok(t, err)
	if again != a {
		t.Errorf("the same user is %+v, was %+v", again, a)
	}
	for _, id := range []string{"", "u", strings.Repeat("x", 65), "a\nb", "a\xff"} {
		_, err := f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: id})
		fails(t, err, errs.Invalid)
	}
	changed := a
	changed.Capabilities.Audio = "None"
	row, err := json.Marshal(changed)
	ok(t, err)
	ok(t, f.store.Write(ctx, func(tx meetings.Tx) error {
		return tx.Emit(ctx, events.Event{Type: events.AttendeeUpdated, Subject: a.ID, Payload: row, At: a.CreatedAt})
	}))
	live.wait(t, fmt.Sprintf("set {None None None} for %s of %s", a.ID, c.ID))
	ok(t, f.DeleteAttendee(ctx, key("1"), c.ID, a.ID))
	live.wait(t, "remove "+a.ID+" from "+c.ID)
	fails(t, f.DeleteAttendee(ctx, key("1"), c.ID, a.ID), errs.NotFound)
	_, _, err = f.Authenticate(ctx, c.ID, a.JoinToken)
	fails(t, err, errs.Unauthenticated)
	fresh, err := f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: "user"})
	ok(t, err)
	if fresh.ID == a.ID || fresh.JoinToken == a.JoinToken {
		t.Error("a deleted attendee has come back")
	}
	list, err := f.store.After(ctx, 0, 100)
	ok(t, err)
	for _, e := range list {
		if strings.Contains(string(e.Payload), fresh.JoinToken) {
			t.Errorf("%s shows a join token", e.Type)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	m, other := f.create(t, "t"), f.create(t, "other")
	j, err := f.Join(ctx, ann(), m.ID, "Ann")
	ok(t, err)
	elsewhere, err := f.Join(ctx, ann(), other.ID, "Ann")
	ok(t, err)
	token := j.Attendee.JoinToken
	if !regexp.MustCompile(`^[0-9a-f]{96}$`).MatchString(token) || !strings.HasPrefix(token, strings.ReplaceAll(j.Attendee.ID, "-", "")) {
		t.Errorf("token %s", token)
	}
	c, a, err := f.Authenticate(ctx, strings.ToUpper(j.Conference.ID), token)
	ok(t, err)
	if c.ID != j.Conference.ID || a != j.Attendee {
		t.Errorf("got %+v %+v", c, a)
	}
	flipped := []byte(token)
	flipped[95] ^= 1
	swapped := elsewhere.Attendee.JoinToken[:32] + token[32:]
	for name, test := range map[string]struct{ conference, token string }{
		"no token":              {c.ID, ""},
		"one digit changed":     {c.ID, string(flipped)},
		"cut":                   {c.ID, token[:95]},
		"longer":                {c.ID, token + "0"},
		"not hexadecimal":       {c.ID, strings.Repeat("g", 96)},
		"half hexadecimal":      {c.ID, token[:32] + strings.Repeat("g", 64)},
		"zeros":                 {c.ID, strings.Repeat("0", 96)},
		"with suffix":           {c.ID, token + "#content"},
		"of another conference": {elsewhere.Conference.ID, token},
		"another's id":          {c.ID, swapped},
		"unknown conference":    {ids.New(), token},
		"no conference":         {"", token},
		"not an id":             {"../../etc", token},
	} {
		if _, _, err := f.Authenticate(ctx, test.conference, test.token); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The end of the conference is told only to who has a genuine token, also when its rows are gone.
	f.pass(24 * time.Hour)
	ok(t, f.Sweep(ctx))
	for range 2 {
		_, _, err = f.Authenticate(ctx, c.ID, token)
		fails(t, err, errs.Gone)
		_, _, err = f.Authenticate(ctx, c.ID, string(flipped))
		fails(t, err, errs.Unauthenticated)
		f.pass(8 * 24 * time.Hour)
		ok(t, f.Sweep(ctx))
	}
	_, err = f.store.Conference(ctx, c.ID)
	fails(t, err, errs.NotFound)
}

func FuzzAuthenticate(f *testing.F) {
	service := meetings.New(meetings.Config{JoinKey: []byte("0123456789abcdef")}) // no store: nothing may get that far
	f.Add("6ba7b810-9dad-11d1-80b4-00c04fd430c8", strings.Repeat("0", 96))
	f.Add("", "")
	f.Fuzz(func(t *testing.T, conferenceID, token string) {
		if _, _, err := service.Authenticate(t.Context(), conferenceID, token); errs.CodeOf(err) != errs.Unauthenticated {
			t.Errorf("%q %q: %v", conferenceID, token, err)
		}
	})
}
