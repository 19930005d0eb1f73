package meetings_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

// state says whether the conference is open after a sweep.
func (f *fixture) openAfterSweep(t *testing.T, id string) bool {
	t.Helper()
	ok(t, f.Sweep(t.Context()))
	c, err := f.store.Conference(t.Context(), id)
	ok(t, err)
	return c.EndedAt == nil
}

func TestEmptyConferenceEnds(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	m := f.create(t, "t")
	j, err := f.Join(ctx, ann(), m.ID, "Ann")
	ok(t, err)
	id := j.Conference.ID

	f.pass(4 * time.Minute) // nobody has connected yet
	if !f.openAfterSweep(t, id) {
		t.Fatal("ended after 4 minutes")
	}
	ok(t, f.Present(ctx, id, 1))
	f.pass(time.Hour)
	if !f.openAfterSweep(t, id) {
		t.Fatal("ended while somebody was there")
	}
	ok(t, f.Present(ctx, id, 0))
	f.pass(3 * time.Minute)
	ok(t, f.Present(ctx, id, 0)) // a repeat does not start the time again
	f.pass(2*time.Minute - time.Microsecond)
	if !f.openAfterSweep(t, id) {
		t.Fatal("ended before 5 minutes")
	}
	ok(t, f.Present(ctx, id, 2)) // somebody came back just in time
	ok(t, f.Present(ctx, id, 0))
	f.pass(4 * time.Minute)
	if !f.openAfterSweep(t, id) {
		t.Fatal("coming back did not start the time again")
	}
	since := f.position(t)
	f.pass(time.Minute)
	if f.openAfterSweep(t, id) {
		t.Fatal("not ended after 5 minutes")
	}
	if got := f.happened(t, since); !slices.Equal(got, []string{"conference.ended " + id, "meeting.updated " + m.ID}) {
		t.Errorf("happened: %v", got)
	}
	if got, err := f.Get(ctx, ann(), m.ID); err != nil || got.ConferenceID != "" {
		t.Errorf("the meeting still names its conference: %+v %v", got, err)
	}
	_, _, err = f.Authenticate(ctx, id, j.Attendee.JoinToken)
	fails(t, err, errs.Gone)

	again, err := f.Join(ctx, ann(), m.ID, "Ann")
	ok(t, err)
	if again.Conference.ID == id || again.Attendee.ID == j.Attendee.ID {
		t.Error("joining again did not open a new conference")
	}
}

func TestOldConferenceEnds(t *testing.T) {
	f := newFixture(t)
	j, err := f.Join(t.Context(), ann(), f.create(t, "t").ID, "Ann")
	ok(t, err)
	ok(t, f.Present(t.Context(), j.Conference.ID, 1))
	f.pass(24*time.Hour - time.Second)
	if !f.openAfterSweep(t, j.Conference.ID) {
		t.Fatal("ended before 24 hours")
	}
	f.pass(time.Second)
	if f.openAfterSweep(t, j.Conference.ID) {
		t.Fatal("not ended after 24 hours")
	}
}

func TestPresenceOfWhatIsOver(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	ok(t, f.Present(ctx, ids.New(), 1))
	c, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	ok(t, f.DeleteConference(ctx, key("1"), c.ID))
	before, err := f.store.Conference(ctx, c.ID)
	ok(t, err)
	ok(t, f.Present(ctx, c.ID, 1))
	after, err := f.store.Conference(ctx, c.ID)
	ok(t, err)
	if after.EmptySince == nil || !after.EmptySince.Equal(*before.EmptySince) || after.EndedAt == nil {
		t.Errorf("an ended conference changed: %+v", after)
	}
}

func TestRecover(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	crowded, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	ok(t, f.Present(ctx, crowded.ID, 3))
	deserted, err := f.CreateConference(ctx, key("1"), meetings.NewConference{})
	ok(t, err)
	f.pass(time.Hour) // the server was off
	ok(t, f.Recover(ctx))
	f.pass(5*time.Minute - time.Second)
	for _, id := range []string{crowded.ID, deserted.ID} {
		if !f.openAfterSweep(t, id) {
			t.Error("people get no time to come back")
		}
	}
	f.pass(time.Second)
	for _, id := range []string{crowded.ID, deserted.ID} {
		if f.openAfterSweep(t, id) {
			t.Error("nobody came back, but the conference is open")
		}
	}
}

// TestOwnersTextIsKept: when a conference ends, the meeting forgets only that conference.
func TestOwnersTextIsKept(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	m := f.create(t, "t")
	_, err := f.Join(ctx, ann(), m.ID, "Ann")
	ok(t, err)
	text := "something else"
	_, err = f.Update(ctx, ann(), meetings.MeetingChange{ID: m.ID, ConferenceID: &text})
	ok(t, err)
	f.pass(5 * time.Minute)
	ok(t, f.Sweep(ctx))
	got, err := f.Get(ctx, ann(), m.ID)
	ok(t, err)
	if got.ConferenceID != text {
		t.Errorf("the meeting names %q", got.ConferenceID)
	}
}

// sweepCounter is a store on which sweeping finds nothing to do.
type sweepCounter struct {
	meetings.Store
	mu sync.Mutex
	at []time.Duration
	t0 time.Time
}

func (s *sweepCounter) OpenConferences(context.Context) ([]meetings.Conference, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = append(s.at, time.Since(s.t0))
	return nil, nil
}

func (s *sweepCounter) PruneConferences(context.Context, time.Time) error { return nil }

func TestRunSweepsEvery15Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &sweepCounter{t0: time.Now()}
		s := meetings.New(meetings.Config{Store: store, JoinKey: make([]byte, 16), Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { s.Run(ctx) })
		time.Sleep(50 * time.Second)
		cancel()
		done.Wait()
		if want := []time.Duration{15 * time.Second, 30 * time.Second, 45 * time.Second}; !slices.Equal(store.at, want) {
			t.Errorf("swept after %v, want %v", store.at, want)
		}
	})
}
