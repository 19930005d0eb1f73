package storage_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"carillon/internal/errs"
	"carillon/internal/meetings"
)

// Writes that come together share a commit, and yet each is all or nothing by itself.
func TestWritesTogether(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"), nil)
	ctx := t.Context()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	own := errors.New("own")
	const rounds = 60
	want := make(map[string]bool)
	for i := range rounds {
		want[fmt.Sprint("good", i)] = true
	}
	// Holding the writer up makes the others queue behind it.
	entered, leave := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		s.Write(ctx, func(meetings.Tx) error { close(entered); <-leave; return nil })
	})
	<-entered
	for i := range rounds {
		done.Go(func() {
			if err := add(ctx, s, fmt.Sprint("good", i)); err != nil {
				t.Errorf("good%d: %v", i, err)
			}
		})
		done.Go(func() {
			err := s.Write(ctx, func(tx meetings.Tx) error {
				if err := tx.InsertMeeting(ctx, meetings.Meeting{ID: fmt.Sprint("failing", i)}); err != nil {
					return err
				}
				return own
			})
			if err != own {
				t.Errorf("failing%d: %v, want its own error", i, err)
			}
		})
		done.Go(func() {
			defer func() {
				if p := recover(); p != i {
					t.Errorf("panicking%d: recovered %v", i, p)
				}
			}()
			s.Write(ctx, func(tx meetings.Tx) error {
				tx.InsertMeeting(ctx, meetings.Meeting{ID: fmt.Sprint("panicking", i)})
				panic(i)
			})
		})
		done.Go(func() {
			if err := add(cancelled, s, fmt.Sprint("cancelled", i)); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled%d: %v", i, err)
			}
		})
		done.Go(func() { // a conflict that SQLite itself finds
			same := meetings.Meeting{ID: fmt.Sprint("twice", i)}
			err := s.Write(ctx, func(tx meetings.Tx) error {
				return errors.Join(tx.InsertMeeting(ctx, same), tx.InsertMeeting(ctx, same))
			})
			if errs.CodeOf(err) != errs.Conflict {
				t.Errorf("twice%d: %v", i, err)
			}
		})
	}
	close(leave)
	done.Wait()
	list, err := s.Meetings(ctx, meetings.MeetingQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if !want[m.ID] {
			t.Errorf("%s was written", m.ID)
		}
		delete(want, m.ID)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	log, err := s.After(ctx, 0, 1000)
	if err != nil || len(log) != rounds {
		t.Errorf("%d events, want %d (%v)", len(log), rounds, err)
	}
}

// Somebody who goes away while his write is under way interrupts nobody, himself included.
func TestCancelledWhileWriting(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Write(ctx, func(tx meetings.Tx) error {
		cancel()
		return tx.InsertMeeting(ctx, meetings.Meeting{ID: "m"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Meeting(t.Context(), "m"); err != nil {
		t.Error(err)
	}
}
