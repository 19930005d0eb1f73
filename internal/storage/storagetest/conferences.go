package storagetest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

func conferencesOfKey(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	// Two moments, so that a page may end between equal times; one ended, one of another key.
	var want []string
	for i := range 5 {
		c := newConference("")
		c.KeyID, c.CreatedAt = "k", start().Add(time.Duration(i/3)*time.Microsecond)
		insertConference(t, s, c)
		want = append(want, c.ID)
	}
	slices.Sort(want[:3])
	slices.Sort(want[3:])
	ended, other := newConference(""), newConference("")
	ended.KeyID, other.KeyID = "k", "other"
	insertConference(t, s, ended)
	insertConference(t, s, other)
	endConference(t, s, ended, start())
	for _, size := range []int{1, 2, 3, 5, 6} {
		var got []string
		var after *meetings.Position
		for {
			page, err := s.OpenConferencesOfKey(ctx, "k", after, size)
			ok(t, err)
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				got = append(got, c.ID)
			}
			last := page[len(page)-1]
			after = &meetings.Position{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", size, got, want)
		}
	}
	n, err := s.CountOpenConferences(ctx, "k")
	ok(t, err)
	if n != len(want) {
		t.Errorf("%d open conferences, want %d", n, len(want))
	}
}

func replicas(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	primary, replica, ended := newConference(""), newConference(""), newConference("")
	replica.PrimaryID, ended.PrimaryID = primary.ID, primary.ID
	for _, c := range []meetings.Conference{primary, replica, ended} {
		insertConference(t, s, c)
	}
	endConference(t, s, ended, start())
	got, err := s.OpenReplicas(ctx, primary.ID)
	ok(t, err)
	if len(got) != 1 || got[0].ID != replica.ID {
		t.Errorf("replicas %+v", got)
	}
	got, err = s.OpenReplicas(ctx, "")
	ok(t, err)
	if len(got) != 0 {
		t.Errorf("conferences without a primary are replicas of nothing: %+v", got)
	}
}

func tags(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	c := newConference("")
	insertConference(t, s, c)
	a := meetings.Attendee{ID: ids.New(), ConferenceID: c.ID, ExternalUserID: "u", CreatedAt: start()}
	want := map[string]string{"k": "v", "ü": `"`, "nul": "\x00"}
	write(t, s, func(ctx context.Context, tx meetings.Tx) error {
		if err := tx.InsertAttendee(ctx, a); err != nil {
			return err
		}
		if err := tx.SetAttendeeTags(ctx, c.ID, a.ID, want); err != nil {
			return err
		}
		return tx.SetConferenceTags(ctx, c.ID, want)
	})
	got, err := s.Conference(ctx, c.ID)
	ok(t, err)
	ofAttendee, err := s.AttendeeTags(ctx, c.ID, a.ID)
	ok(t, err)
	if !maps.Equal(got.Tags, want) || !maps.Equal(ofAttendee, want) {
		t.Errorf("tags %v and %v, want %v", got.Tags, ofAttendee, want)
	}
	_, err = s.AttendeeTags(ctx, ids.New(), a.ID)
	fails(t, err, errs.NotFound)
	for _, fn := range []func(tx meetings.Tx) error{
		func(tx meetings.Tx) error { return tx.SetAttendeeTags(ctx, c.ID, ids.New(), want) },
		func(tx meetings.Tx) error { return tx.SetConferenceTags(ctx, ids.New(), want) },
	} {
		fails(t, s.Write(ctx, fn), errs.NotFound)
	}
}

func attendeesInPages(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	c, other := newConference(""), newConference("")
	insertConference(t, s, c)
	insertConference(t, s, other)
	var want []meetings.Attendee
	write(t, s, func(ctx context.Context, tx meetings.Tx) error {
		want = nil
		for i := range 10 {
			a := meetings.Attendee{ID: ids.New(), ConferenceID: c.ID, ExternalUserID: ids.New(), CreatedAt: start().Add(time.Duration(i/4) * time.Microsecond)}
			if err := tx.InsertAttendee(ctx, a); err != nil {
				return err
			}
			want = append(want, a)
		}
		return tx.InsertAttendee(ctx, meetings.Attendee{ID: ids.New(), ConferenceID: other.ID, ExternalUserID: "u", CreatedAt: start()})
	})
	slices.SortFunc(want, func(a, b meetings.Attendee) int {
		if n := a.CreatedAt.Compare(b.CreatedAt); n != 0 {
			return n
		}
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	for _, size := range []int{1, 3, 4, 10, 11} {
		var got []meetings.Attendee
		var after *meetings.Position
		for {
			page, err := s.Attendees(ctx, c.ID, after, size)
			ok(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			last := page[len(page)-1]
			after = &meetings.Position{CreatedAt: last.CreatedAt, ID: last.ID}
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %v, want %v", size, got, want)
		}
	}
}
