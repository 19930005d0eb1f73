package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/storage"
)

func writeIsAllOrNothing(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	m := newMeeting("m", "t", start())
	err := s.Write(ctx, func(tx meetings.Tx) error {
		ok(t, tx.InsertMeeting(ctx, m))
		ok(t, emit(ctx, tx, m.ID, start()))
		if _, err := s.Meeting(ctx, m.ID); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("others must not see what is not committed: %v", err)
		}
		return errStop
	})
	if !errors.Is(err, errStop) {
		t.Fatalf("error %v, want the one of the function", err)
	}
	_, err = s.Meeting(ctx, m.ID)
	fails(t, err, errs.NotFound)
	list, err := s.After(ctx, 0, 10)
	ok(t, err)
	if len(list) != 0 {
		t.Fatalf("events of a failed transaction: %+v", list)
	}
	write(t, s, func(ctx context.Context, tx meetings.Tx) error {
		if err := tx.InsertMeeting(ctx, m); err != nil {
			return err
		}
		return emit(ctx, tx, m.ID, start())
	})
	list, err = s.After(ctx, 0, 10)
	ok(t, err)
	if len(list) != 1 || list[0].Subject != m.ID {
		t.Fatalf("events: %+v", list)
	}
}

// writeIsSerial lets many goroutines each add one letter to a text that they read in their transaction.
func writeIsSerial(t *testing.T, s *storage.Store) {
	const writers, rounds = 8, 10
	insertMeeting(t, s, newMeeting("m", "", start()))
	failed := make(chan error, writers)
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for range rounds {
				err := s.Write(t.Context(), func(tx meetings.Tx) error {
					m, err := tx.Meeting(t.Context(), "m")
					if err != nil {
						return err
					}
					m.Title += "x"
					return tx.UpdateMeeting(t.Context(), m)
				})
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	done.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	m, err := s.Meeting(t.Context(), "m")
	ok(t, err)
	if len(m.Title) != writers*rounds {
		t.Fatalf("%d changes are there, want %d", len(m.Title), writers*rounds)
	}
}

func log(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	last, err := s.Last(ctx)
	ok(t, err)
	if last != 0 {
		t.Fatalf("an empty log ends at %d", last)
	}
	for i := range 5 {
		write(t, s, func(ctx context.Context, tx meetings.Tx) error {
			return emit(ctx, tx, fmt.Sprint(i), start().Add(time.Duration(i)*time.Second))
		})
	}
	all, err := s.After(ctx, 0, 100)
	ok(t, err)
	if len(all) != 5 {
		t.Fatalf("%d events, want 5", len(all))
	}
	for i, e := range all {
		if i > 0 && e.Seq <= all[i-1].Seq {
			t.Fatalf("seq %d comes after %d", e.Seq, all[i-1].Seq)
		}
		if e.Type != events.MeetingUpdated || e.Subject != fmt.Sprint(i) || string(e.Payload) != `{"a":"ü\"\\"}` ||
			!e.At.Equal(start().Add(time.Duration(i)*time.Second)) {
			t.Fatalf("event %d: %+v", i, e)
		}
	}
	some, err := s.After(ctx, all[1].Seq, 2)
	ok(t, err)
	if len(some) != 2 || some[0].Seq != all[2].Seq || some[1].Seq != all[3].Seq {
		t.Fatalf("got %+v", some)
	}
	ok(t, s.Prune(ctx, start().Add(2*time.Second)))
	rest, err := s.After(ctx, 0, 100)
	ok(t, err)
	if len(rest) != 3 || rest[0].Seq != all[2].Seq {
		t.Fatalf("after pruning: %+v", rest)
	}
	last, err = s.Last(ctx)
	ok(t, err)
	if last != all[4].Seq {
		t.Fatalf("the log ends at %d, want %d", last, all[4].Seq)
	}
}

func logNeverRepeatsSeq(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	add := func() int64 {
		t.Helper()
		write(t, s, func(ctx context.Context, tx meetings.Tx) error { return emit(ctx, tx, "x", start()) })
		last, err := s.Last(ctx)
		ok(t, err)
		return last
	}
	before := add()
	ok(t, s.Prune(ctx, start().Add(time.Hour)))
	if after := add(); after <= before {
		t.Fatalf("seq %d was given after %d: a consumer at %d would never see it", after, before, before)
	}
}

func cursor(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	for _, step := range []struct {
		set  int64
		want int64
	}{{0, 0}, {7, 7}, {9, 9}} {
		if step.set != 0 {
			ok(t, s.SetCursor(ctx, "a", step.set))
		}
		got, err := s.Cursor(ctx, "a")
		ok(t, err)
		if got != step.want {
			t.Fatalf("the cursor is %d, want %d", got, step.want)
		}
	}
	got, err := s.Cursor(ctx, "b")
	ok(t, err)
	if got != 0 {
		t.Fatalf("a new consumer starts at %d", got)
	}
}
