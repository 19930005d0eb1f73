package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

func newMeeting(id, title string, at time.Time) meetings.Meeting {
	return meetings.Meeting{ID: id, Title: title, Description: "line\nzwei 三", OwnerID: "owner", ConferenceID: "c",
		CreatedAt: at, UpdatedAt: at}
}

func insertMeeting(t *testing.T, s *storage.Store, m meetings.Meeting) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx meetings.Tx) error { return tx.InsertMeeting(ctx, m) })
}

func meeting(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	m := newMeeting("m1", "Plan", start())
	insertMeeting(t, s, m)
	fails(t, s.Write(ctx, func(tx meetings.Tx) error { return tx.InsertMeeting(ctx, m) }), errs.Conflict)

	m.Title, m.Description, m.ConferenceID, m.UpdatedAt = "New", "", "", start().Add(time.Microsecond)
	write(t, s, func(ctx context.Context, tx meetings.Tx) error {
		if err := tx.UpdateMeeting(ctx, m); err != nil {
			return err
		}
		got, err := tx.Meeting(ctx, m.ID)
		if err == nil && got != m {
			t.Errorf("a transaction has to see its own changes, got %+v", got)
		}
		return err
	})
	got, err := s.Meeting(ctx, m.ID)
	ok(t, err)
	if got != m {
		t.Fatalf("got %+v, want %+v", got, m)
	}
	write(t, s, func(ctx context.Context, tx meetings.Tx) error { return tx.DeleteMeeting(ctx, m.ID) })
	_, err = s.Meeting(ctx, m.ID)
	fails(t, err, errs.NotFound)
	for _, fn := range []func(tx meetings.Tx) error{
		func(tx meetings.Tx) error { return tx.DeleteMeeting(ctx, m.ID) },
		func(tx meetings.Tx) error { return tx.UpdateMeeting(ctx, m) },
		func(tx meetings.Tx) error { _, err := tx.Meeting(ctx, m.ID); return err },
	} {
		fails(t, s.Write(ctx, fn), errs.NotFound)
	}
}

func meetingsInPages(t *testing.T, s *storage.Store) {
	// Three moments and several meetings in each, so that pages end between equal times.
	var want []meetings.Meeting
	for i := range 10 {
		want = append(want, newMeeting(fmt.Sprintf("m%d", i), "t", start().Add(time.Duration(i/4)*time.Microsecond)))
	}
	for _, i := range []int{3, 7, 0, 9, 1, 8, 2, 6, 5, 4} {
		insertMeeting(t, s, want[i])
	}
	slices.Reverse(want)
	for _, size := range []int{1, 3, 4, 10, 11} {
		var got []meetings.Meeting
		q := meetings.MeetingQuery{Limit: size}
		for {
			page, err := s.Meetings(t.Context(), q)
			ok(t, err)
			if len(page) == 0 {
				break
			}
			if len(page) > size {
				t.Fatalf("a page of %d has %d", size, len(page))
			}
			got = append(got, page...)
			last := page[len(page)-1]
			q.After = &meetings.Position{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("pages of %d: got %+v", size, got)
		}
	}
}

func meetingsFiltered(t *testing.T, s *storage.Store) {
	for i, title := range []string{"Alpha plan", "alpha Plan", "100% Älpha", "under_score", "x"} {
		m := newMeeting(fmt.Sprintf("m%d", i), title, start().Add(time.Duration(i)))
		m.OwnerID, m.Description = fmt.Sprintf("o%d", i%2), "about "+title
		m.CreatedAt = start().Add(-time.Duration(i) * time.Second)
		insertMeeting(t, s, m)
	}
	text := func(s string) *string { return &s }
	tests := map[string]struct {
		filter meetings.Filter
		want   []string
	}{
		"nothing":              {meetings.Filter{}, []string{"m0", "m1", "m2", "m3", "m4"}},
		"id":                   {meetings.Filter{ID: "m2"}, []string{"m2"}},
		"owner":                {meetings.Filter{OwnerID: "o1"}, []string{"m1", "m3"}},
		"contains":             {meetings.Filter{Title: meetings.Match{Contains: "lpha"}}, []string{"m0", "m1", "m2"}},
		"contains, case":       {meetings.Filter{Title: meetings.Match{Contains: "Alpha"}}, []string{"m0"}},
		"contains, not ASCII":  {meetings.Filter{Title: meetings.Match{Contains: "Älp"}}, []string{"m2"}},
		"percent is no joker":  {meetings.Filter{Title: meetings.Match{Contains: "%"}}, []string{"m2"}},
		"underscore is none":   {meetings.Filter{Title: meetings.Match{Contains: "_"}}, []string{"m3"}},
		"quotes are harmless":  {meetings.Filter{Title: meetings.Match{Contains: "' OR ''='"}}, nil},
		"begins with":          {meetings.Filter{Title: meetings.Match{BeginsWith: "alpha"}}, []string{"m1"}},
		"begins, not ASCII":    {meetings.Filter{Description: meetings.Match{BeginsWith: "about 100% Ä"}}, []string{"m2"}},
		"equals":               {meetings.Filter{Title: meetings.Match{Equals: text("x")}}, []string{"m4"}},
		"equals nothing":       {meetings.Filter{Title: meetings.Match{Equals: text("")}}, nil},
		"all parts have to do": {meetings.Filter{OwnerID: "o0", Title: meetings.Match{Contains: "lpha", BeginsWith: "A"}, Description: meetings.Match{Contains: "plan"}}, []string{"m0"}},
	}
	for name, test := range tests {
		list, err := s.Meetings(t.Context(), meetings.MeetingQuery{Limit: 10, Filter: test.filter})
		ok(t, err)
		var got []string
		for _, m := range list {
			got = append(got, m.ID)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

func newConference(meetingID string) meetings.Conference {
	return meetings.Conference{ID: ids.New(), MeetingID: meetingID, CreatedAt: start()}
}

func insertConference(t *testing.T, s *storage.Store, c meetings.Conference) {
	t.Helper()
	write(t, s, func(ctx context.Context, tx meetings.Tx) error { return tx.InsertConference(ctx, c) })
}

func endConference(t *testing.T, s *storage.Store, c meetings.Conference, at time.Time) {
	t.Helper()
	c.EndedAt = &at
	write(t, s, func(ctx context.Context, tx meetings.Tx) error { return tx.UpdateConference(ctx, c) })
}

func conference(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	empty := start().Add(time.Second)
	full := meetings.Conference{
		ID: ids.New(), ExternalID: "ext é", MediaRegion: "eu", HostID: "h", MeetingID: "m", KeyID: "k", ClientRequestToken: "r",
		Features:  meetings.Features{EchoReduction: "AVAILABLE", VideoResolution: "HD", ContentResolution: "FHD", MaxAttendees: 3},
		PrimaryID: "p", TenantIDs: []string{"t1", "t2"}, Tags: map[string]string{"a": "b", "ü": `"`},
		CreatedAt: start(), EmptySince: &empty,
	}
	plain := newConference("")
	plain.CreatedAt = start().Add(time.Second)
	for _, c := range []meetings.Conference{plain, full} {
		insertConference(t, s, c)
		got, err := s.Conference(ctx, c.ID)
		ok(t, err)
		if !reflect.DeepEqual(got, c) {
			t.Fatalf("got %+v, want %+v", got, c)
		}
	}
	open, err := s.OpenConferences(ctx)
	ok(t, err)
	if len(open) != 2 || open[0].ID != full.ID || open[1].ID != plain.ID {
		t.Fatalf("open are %+v", open)
	}
	full.EmptySince = nil
	endConference(t, s, full, start().Add(time.Hour))
	got, err := s.Conference(ctx, full.ID)
	ok(t, err)
	if got.EndedAt == nil || !got.EndedAt.Equal(start().Add(time.Hour)) || got.EmptySince != nil {
		t.Fatalf("got %+v", got)
	}
	open, err = s.OpenConferences(ctx)
	ok(t, err)
	if len(open) != 1 || open[0].ID != plain.ID {
		t.Fatalf("open are %+v", open)
	}
	_, err = s.Conference(ctx, ids.New())
	fails(t, err, errs.NotFound)
	fails(t, s.Write(ctx, func(tx meetings.Tx) error { return tx.UpdateConference(ctx, newConference("")) }), errs.NotFound)
}

func oneOpenConference(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	first := newConference("m")
	first.KeyID, first.ClientRequestToken = "k", "r"
	insertConference(t, s, first)
	sameMeeting, sameRequest := newConference("m"), newConference("")
	sameRequest.KeyID, sameRequest.ClientRequestToken = "k", "r"
	for _, c := range []meetings.Conference{sameMeeting, sameRequest} {
		fails(t, s.Write(ctx, func(tx meetings.Tx) error { return tx.InsertConference(ctx, c) }), errs.Conflict)
	}
	got, err := s.OpenConferenceOf(ctx, "m")
	ok(t, err)
	if got.ID != first.ID {
		t.Fatalf("got %+v", got)
	}
	got, err = s.OpenConferenceByRequest(ctx, "k", "r")
	ok(t, err)
	if got.ID != first.ID {
		t.Fatalf("got %+v", got)
	}
	// Neither counts when it is empty, and another key may use the same token.
	insertConference(t, s, newConference(""))
	insertConference(t, s, newConference(""))
	_, err = s.OpenConferenceOf(ctx, "")
	fails(t, err, errs.NotFound)
	_, err = s.OpenConferenceByRequest(ctx, "", "")
	fails(t, err, errs.NotFound)
	_, err = s.OpenConferenceByRequest(ctx, "other", "r")
	fails(t, err, errs.NotFound)

	endConference(t, s, first, start())
	_, err = s.OpenConferenceOf(ctx, "m")
	fails(t, err, errs.NotFound)
	insertConference(t, s, sameMeeting)
	insertConference(t, s, sameRequest)
}

func pruneConferences(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	old, recent, open := newConference(""), newConference(""), newConference("")
	for _, c := range []meetings.Conference{old, recent, open} {
		insertConference(t, s, c)
		write(t, s, func(ctx context.Context, tx meetings.Tx) error {
			return tx.InsertAttendee(ctx, meetings.Attendee{ID: ids.New(), ConferenceID: c.ID, ExternalUserID: "u", CreatedAt: start()})
		})
	}
	endConference(t, s, old, start())
	endConference(t, s, recent, start().Add(time.Hour))
	ok(t, s.PruneConferences(ctx, start().Add(time.Hour)))
	for _, c := range []struct {
		id    string
		there int
	}{{old.ID, 0}, {recent.ID, 1}, {open.ID, 1}} {
		_, err := s.Conference(ctx, c.id)
		if (err == nil) != (c.there == 1) {
			t.Errorf("conference: %v", err)
		}
		n, err := s.CountAttendees(ctx, c.id)
		ok(t, err)
		if n != c.there {
			t.Errorf("%d attendees, want %d", n, c.there)
		}
	}
}

func attendee(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	c, other := newConference(""), newConference("")
	insertConference(t, s, c)
	insertConference(t, s, other)
	person := meetings.Attendee{ID: ids.New(), ConferenceID: c.ID, ExternalUserID: "u", AccountID: "a",
		Capabilities: meetings.Capabilities{Audio: "Send", Video: "Receive", Content: "None"}, CreatedAt: start()}
	program := meetings.Attendee{ID: ids.New(), ConferenceID: c.ID, ExternalUserID: "u", CreatedAt: start()}
	insert := func(a meetings.Attendee) error {
		return s.Write(ctx, func(tx meetings.Tx) error { return tx.InsertAttendee(ctx, a) })
	}
	ok(t, insert(person))
	ok(t, insert(program))
	sameAccount, sameUser := person, program
	sameAccount.ID, sameUser.ID = ids.New(), ids.New()
	fails(t, insert(sameAccount), errs.Conflict)
	fails(t, insert(sameUser), errs.Conflict)
	sameAccount.ConferenceID, sameUser.ConferenceID = other.ID, other.ID
	ok(t, insert(sameAccount))
	ok(t, insert(sameUser))

	for want, find := range map[meetings.Attendee]func() (meetings.Attendee, error){
		person:  func() (meetings.Attendee, error) { return s.AttendeeByAccount(ctx, c.ID, "a") },
		program: func() (meetings.Attendee, error) { return s.AttendeeByExternalUserID(ctx, c.ID, "u") },
	} {
		got, err := find()
		ok(t, err)
		if got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	}
	for _, find := range []func() (meetings.Attendee, error){
		func() (meetings.Attendee, error) { return s.AttendeeByAccount(ctx, c.ID, "") },
		func() (meetings.Attendee, error) { return s.AttendeeByExternalUserID(ctx, c.ID, "U") },
		func() (meetings.Attendee, error) { return s.Attendee(ctx, other.ID, person.ID) },
	} {
		_, err := find()
		fails(t, err, errs.NotFound)
	}
	n, err := s.CountAttendees(ctx, c.ID)
	ok(t, err)
	if n != 2 {
		t.Fatalf("%d attendees, want 2", n)
	}
	person.ExternalUserID, person.Capabilities = "new", meetings.Capabilities{Audio: "None", Video: "Send", Content: "Receive"}
	write(t, s, func(ctx context.Context, tx meetings.Tx) error {
		if err := tx.UpdateAttendee(ctx, person); err != nil {
			return err
		}
		return tx.DeleteAttendee(ctx, c.ID, program.ID)
	})
	got, err := s.Attendee(ctx, c.ID, person.ID)
	ok(t, err)
	if got != person {
		t.Fatalf("got %+v, want %+v", got, person)
	}
	_, err = s.Attendee(ctx, c.ID, program.ID)
	fails(t, err, errs.NotFound)
	fails(t, s.Write(ctx, func(tx meetings.Tx) error { return tx.DeleteAttendee(ctx, c.ID, program.ID) }), errs.NotFound)
	fails(t, s.Write(ctx, func(tx meetings.Tx) error { return tx.UpdateAttendee(ctx, program) }), errs.NotFound)
}
