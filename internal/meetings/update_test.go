package meetings_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

func TestUpdateCapabilities(t *testing.T) {
	f := newFixture(t)
	live := f.goLive()
	ctx := t.Context()
	c, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	var all []meetings.Attendee
	for i := range 3 {
		a, err := f.CreateAttendee(ctx, key("1"), c.ID, meetings.NewAttendee{ExternalUserID: fmt.Sprint("user", i)})
		ok(t, err)
		all = append(all, a)
	}
	quiet := meetings.Capabilities{Audio: "Receive", Video: "Receive", Content: "None"}
	since := f.position(t)
	for range 2 { // the second time there is nothing to tell
		a, err := f.UpdateCapabilities(ctx, key("1"), c.ID, strings.ToUpper(all[0].ID), quiet)
		ok(t, err)
		if a.Capabilities != quiet || a.JoinToken != all[0].JoinToken {
			t.Errorf("attendee %+v", a)
		}
	}
	live.wait(t, fmt.Sprintf("set %v for %s of %s", quiet, all[0].ID, c.ID))
	ok(t, f.UpdateCapabilitiesExcept(ctx, key("1"), c.ID, []string{strings.ToUpper(all[1].ID), ids.New()}, quiet))
	live.wait(t, fmt.Sprintf("set %v for %s of %s", quiet, all[2].ID, c.ID))
	if got := f.happened(t, since); !slices.Equal(got, []string{"attendee.updated " + all[0].ID, "attendee.updated " + all[2].ID}) {
		t.Errorf("happened: %v", got)
	}

	since = f.position(t)
	impossible := meetings.Capabilities{Audio: "None", Video: "None", Content: "Receive"}
	_, err = f.UpdateCapabilities(ctx, key("1"), c.ID, all[1].ID, impossible)
	fails(t, err, errs.Invalid)
	fails(t, f.UpdateCapabilitiesExcept(ctx, key("1"), c.ID, nil, impossible), errs.Invalid)
	_, err = f.UpdateCapabilities(ctx, key("1"), c.ID, ids.New(), quiet)
	fails(t, err, errs.NotFound)
	_, err = f.UpdateCapabilities(ctx, key("2"), c.ID, all[1].ID, quiet)
	fails(t, err, errs.NotFound)
	fails(t, f.UpdateCapabilitiesExcept(ctx, key("2"), c.ID, nil, quiet), errs.NotFound)
	if got := f.happened(t, since); len(got) != 0 {
		t.Errorf("happened: %v", got)
	}
}

// What is wrong with one attendee of a list leaves the others alone; what is wrong with the request does not.
func TestCreateAttendees(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	list := []meetings.NewAttendee{{ExternalUserID: "ann"}, {ExternalUserID: "x"}, {ExternalUserID: "ann"}, {ExternalUserID: "ben", Tags: map[string]string{"k": "v"}}, {ExternalUserID: "eve"}}
	c, admitted, err := f.CreateConferenceWithAttendees(ctx, key("1"), meetings.NewConference{Features: meetings.Features{MaxAttendees: 2}}, list)
	ok(t, err)
	if admitted[0].Err != nil || admitted[2].Err != nil || admitted[0].Attendee != admitted[2].Attendee || admitted[3].Err != nil {
		t.Errorf("admitted %+v", admitted)
	}
	fails(t, admitted[1].Err, errs.Invalid)
	fails(t, admitted[4].Err, errs.LimitExceeded)
	tags, err := f.AttendeeTags(ctx, key("1"), c.ID, admitted[3].Attendee.ID)
	ok(t, err)
	if len(tags) != 1 || tags["k"] != "v" {
		t.Errorf("tags %v", tags)
	}
	_, err = f.CreateAttendees(ctx, key("2"), c.ID, list)
	fails(t, err, errs.NotFound)
}

// Every method of the API asks for permission before it does anything else.
func TestConferenceMethodsNeedAKey(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	for _, actor := range []authz.Actor{{}, ann(), operator()} {
		for name, err := range map[string]error{
			"create":      second(f.CreateConference(ctx, actor, meetings.NewConference{})),
			"get":         second(f.GetConference(ctx, actor, "x")),
			"delete":      f.DeleteConference(ctx, actor, "x"),
			"attend":      second(f.CreateAttendees(ctx, actor, "x", nil)),
			"attendee":    second(f.GetAttendee(ctx, actor, "x", "y")),
			"unattend":    f.DeleteAttendee(ctx, actor, "x", "y"),
			"update":      second(f.UpdateCapabilities(ctx, actor, "x", "y", meetings.Capabilities{})),
			"update all":  f.UpdateCapabilitiesExcept(ctx, actor, "x", nil, meetings.Capabilities{}),
			"tags":        second(f.ConferenceTags(ctx, actor, "x")),
			"tag":         f.TagConference(ctx, actor, "x", nil),
			"untag":       f.UntagConference(ctx, actor, "x", nil),
			"tags of one": second(f.AttendeeTags(ctx, actor, "x", "y")),
			"tag one":     f.TagAttendee(ctx, actor, "x", "y", nil),
			"untag one":   f.UntagAttendee(ctx, actor, "x", "y", nil),
			"list":        third(f.ListConferences(ctx, actor, 1, "")),
			"list of one": third(f.ListAttendees(ctx, actor, "x", 1, "")),
		} {
			want := errs.Forbidden
			if actor.AccountID == "" {
				want = errs.Unauthenticated
			}
			if err == nil || errs.CodeOf(err) != want {
				t.Errorf("%s by %+v: %v, want %s", name, actor, err, want)
			}
		}
	}
}

func second[T any](_ T, err error) error        { return err }
func third[T, U any](_ T, _ U, err error) error { return err }

func TestTags(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	c, err := f.CreateConference(ctx, key("1"), meetings.NewConference{Tags: map[string]string{"a": "1"}})
	ok(t, err)
	many := make(map[string]string)
	for i := range 50 {
		many[fmt.Sprint("k", i)] = "v"
	}
	fails(t, f.TagConference(ctx, key("1"), c.ID, many), errs.LimitExceeded)
	ok(t, f.TagConference(ctx, key("1"), c.ID, map[string]string{"a": "2", "b": ""}))
	ok(t, f.UntagConference(ctx, key("1"), c.ID, []string{"b", "nothing"}))
	tags, err := f.ConferenceTags(ctx, key("1"), c.ID)
	ok(t, err)
	if len(tags) != 1 || tags["a"] != "2" {
		t.Errorf("tags %v", tags)
	}
	fails(t, f.TagConference(ctx, key("2"), c.ID, nil), errs.NotFound)
}
