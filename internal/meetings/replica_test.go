package meetings_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

func TestReplicas(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	primary, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	var replicas []meetings.Conference
	for range 4 {
		r, err := f.CreateConference(ctx, key("1"), meetings.NewConference{PrimaryID: primary.ID})
		ok(t, err)
		replicas = append(replicas, r)
	}
	_, err = f.CreateConference(ctx, key("1"), meetings.NewConference{PrimaryID: primary.ID})
	fails(t, err, errs.LimitExceeded)
	for _, in := range []struct{ key, primary string }{{"1", replicas[0].ID}, {"2", primary.ID}, {"1", ids.New()}} {
		_, err := f.CreateConference(ctx, key(in.key), meetings.NewConference{PrimaryID: in.primary})
		fails(t, err, errs.Invalid)
	}

	// A replica waits for viewers as long as its primary lives, and ends with it.
	ok(t, f.Present(ctx, primary.ID, 1))
	f.pass(time.Hour)
	for _, c := range append(replicas, primary) {
		if !f.openAfterSweep(t, c.ID) {
			t.Fatalf("%+v ended", c)
		}
	}
	ok(t, f.DeleteConference(ctx, key("1"), replicas[0].ID))
	ok(t, f.Present(ctx, primary.ID, 0))
	since := f.position(t)
	f.pass(5 * time.Minute)
	if f.openAfterSweep(t, primary.ID) {
		t.Fatal("the primary did not end")
	}
	var want []string
	for _, c := range append([]meetings.Conference{primary}, replicas[1:]...) {
		want = append(want, "conference.ended "+c.ID)
	}
	got := f.happened(t, since)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("happened: %v, want %v", got, want)
	}
}

func TestQuotaOfAKey(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	in := meetings.NewConference{MaxOpen: 2}
	first, err := f.CreateConference(ctx, key("1"), in)
	ok(t, err)
	in.ClientRequestToken = "again"
	second, err := f.CreateConference(ctx, key("1"), in)
	ok(t, err)
	same, err := f.CreateConference(ctx, key("1"), in) // a repeat makes nothing
	ok(t, err)
	if same.ID != second.ID {
		t.Error("the repeat made another one")
	}
	in.ClientRequestToken = ""
	_, err = f.CreateConference(ctx, key("1"), in)
	fails(t, err, errs.LimitExceeded)
	_, err = f.CreateConference(ctx, key("2"), in)
	ok(t, err)
	ok(t, f.DeleteConference(ctx, key("1"), first.ID))
	_, err = f.CreateConference(ctx, key("1"), in)
	ok(t, err)
}

func TestListsInPages(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	c, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	other, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	var want []string
	for i := range 5 {
		f.pass(time.Microsecond)
		a, err := f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: fmt.Sprint("user", i)})
		ok(t, err)
		want = append(want, a.ID+a.JoinToken)
	}
	var got []string
	token := ""
	for first := true; first || token != ""; first = false {
		list, next, err := f.ListAttendees(ctx, key("1"), c.ID, 2, token)
		ok(t, err)
		for _, a := range list {
			got = append(got, a.ID+a.JoinToken)
		}
		if next != "" {
			// A token is good for its own list only, and not when it was changed.
			_, _, err = f.ListAttendees(ctx, key("1"), other.ID, 2, next)
			fails(t, err, errs.Invalid)
			_, _, err = f.ListConferences(ctx, key("1"), 2, next)
			fails(t, err, errs.Invalid)
			_, _, err = f.ListAttendees(ctx, key("1"), c.ID, 2, next+"A")
			fails(t, err, errs.Invalid)
		}
		token = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	list, next, err := f.ListConferences(ctx, key("1"), 1, "")
	ok(t, err)
	rest, end, err := f.ListConferences(ctx, key("1"), 1, next)
	ok(t, err)
	if len(list) != 1 || len(rest) != 1 || list[0].ID == rest[0].ID || end != "" {
		t.Errorf("conferences %v, then %v, then %q", list, rest, end)
	}
}

func FuzzCursor(fz *testing.F) {
	fz.Add("")
	fz.Add("AAAA")
	fz.Add("AAAAAAAAAAAAAAAAAAAAAAAxMiBhYg")
	s := meetings.New(meetings.Config{JoinKey: make([]byte, 16)})
	fz.Fuzz(func(t *testing.T, token string) {
		if token == "" {
			return
		}
		if err := s.CheckCursor("list", token); errs.CodeOf(err) != errs.Invalid {
			t.Fatalf("%q: %v", token, err)
		}
	})
}
