package events

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memoryLog is a Log without a database.
type memoryLog struct {
	mu      sync.Mutex
	last    int64
	list    []Event
	cursors map[string]int64
	broken  error
}

func (l *memoryLog) add(t Type, subject string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	l.list = append(l.list, Event{Seq: l.last, Type: t, Subject: subject, At: time.Now()})
}

func (l *memoryLog) setBroken(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func (l *memoryLog) After(_ context.Context, seq int64, limit int) ([]Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var some []Event
	for _, e := range l.list {
		if e.Seq > seq && len(some) < limit {
			some = append(some, e)
		}
	}
	return some, l.broken
}

func (l *memoryLog) Last(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, l.broken
}

func (l *memoryLog) Cursor(_ context.Context, consumer string) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cursors[consumer], l.broken
}

func (l *memoryLog) SetCursor(_ context.Context, consumer string, seq int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cursors == nil {
		l.cursors = make(map[string]int64)
	}
	l.cursors[consumer] = seq
	return nil
}

func (l *memoryLog) Prune(_ context.Context, before time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = slices.DeleteFunc(l.list, func(e Event) bool { return e.At.Before(before) })
	return nil
}

func newFeed(log Log) *Feed { return NewFeed(log, slog.New(slog.DiscardHandler)) }

// drain takes what is waiting and reports whether the channel is still open.
func drain(s *Subscription) (subjects []string, open bool) {
	for {
		select {
		case e, ok := <-s.C():
			if !ok {
				return subjects, false
			}
			subjects = append(subjects, e.Subject)
		default:
			return subjects, true
		}
	}
}

func expect(t *testing.T, s *Subscription, want ...string) {
	t.Helper()
	got, open := drain(s)
	if !slices.Equal(got, want) || !open {
		t.Fatalf("got %q, open %v, want %q", got, open, want)
	}
}

func TestSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		log.add(MeetingCreated, "before the start")
		f := newFeed(log)
		defer f.Close()
		f.Start()
		all, deleted := f.Subscribe(), f.Subscribe(MeetingDeleted, ConferenceEnded)
		log.add(MeetingCreated, "a")
		log.add(MeetingDeleted, "b")
		log.add(ConferenceEnded, "c")
		f.Wake()
		synctest.Wait() // without the passing of time: the wake is enough
		expect(t, all, "a", "b", "c")
		expect(t, deleted, "b", "c")

		deleted.Close()
		deleted.Close()
		log.add(MeetingDeleted, "d")
		f.Wake()
		synctest.Wait()
		expect(t, all, "d")
		if _, open := drain(deleted); open {
			t.Error("the channel of a closed subscription is open")
		}
	})
}

func TestOtherProcessIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		f := newFeed(log)
		defer f.Close()
		f.Consume("c", func(context.Context, Event) error { return nil })
		f.Start()
		s := f.Subscribe()
		synctest.Wait()
		log.add(MeetingCreated, "a")
		time.Sleep(pollInterval)
		synctest.Wait()
		expect(t, s, "a")
		if c, _ := log.Cursor(t.Context(), "c"); c != 1 {
			t.Errorf("the consumer is at %d, want 1", c)
		}
	})
}

func TestSlowSubscriberIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		f := newFeed(log)
		defer f.Close()
		f.Start()
		slow, quick := f.Subscribe(), f.Subscribe()
		total := 0
		for range 3 {
			for range queueSize/2 + 1 {
				log.add(MeetingUpdated, "x")
			}
			f.Wake()
			synctest.Wait()
			got, open := drain(quick)
			if !open {
				t.Fatal("a subscriber that keeps up was closed")
			}
			total += len(got)
		}
		if want := 3 * (queueSize/2 + 1); total != want {
			t.Errorf("the quick one got %d, want %d", total, want)
		}
		got, open := drain(slow)
		if open || len(got) != queueSize {
			t.Errorf("the slow one got %d, open %v; want %d and closed", len(got), open, queueSize)
		}
	})
}

func TestConsumerGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		var seen []string
		run := func() *Feed {
			f := newFeed(log)
			f.Consume("c", func(_ context.Context, e Event) error {
				seen = append(seen, e.Subject)
				return nil
			})
			f.Start()
			synctest.Wait()
			return f
		}
		log.add(MeetingCreated, "a")
		f := run()
		log.add(MeetingCreated, "b")
		f.Wake()
		synctest.Wait()
		f.Close()
		log.add(MeetingCreated, "c") // while nobody runs
		run().Close()
		if want := []string{"a", "b", "c"}; !slices.Equal(seen, want) {
			t.Errorf("seen %q, want %q", seen, want)
		}
	})
}

func TestConsumerTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		f := newFeed(log)
		defer f.Close()
		var tries []time.Duration
		var done []string
		start := time.Now()
		f.Consume("c", func(_ context.Context, e Event) error {
			if e.Subject == "hard" && len(tries) < 4 {
				tries = append(tries, time.Since(start))
				return errors.New("not yet")
			}
			done = append(done, e.Subject)
			return nil
		})
		log.add(MeetingCreated, "easy")
		log.add(MeetingCreated, "hard")
		log.add(MeetingCreated, "last")
		f.Start()
		s := f.Subscribe()
		synctest.Wait()
		log.add(MeetingCreated, "live")
		f.Wake()
		synctest.Wait()
		expect(t, s, "live") // a consumer in trouble holds up nobody else
		time.Sleep(time.Minute)
		synctest.Wait()
		if want := []string{"easy", "hard", "last", "live"}; !slices.Equal(done, want) {
			t.Errorf("done %q, want %q", done, want)
		}
		if want := []time.Duration{0, firstRetry, 3 * firstRetry, 7 * firstRetry}; !slices.Equal(tries, want) {
			t.Errorf("tried at %v, want %v", tries, want)
		}
	})
}

func TestLogComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		log.add(MeetingCreated, "old")
		log.setBroken(errors.New("database away"))
		f := newFeed(log)
		defer f.Close()
		f.Start()
		s := f.Subscribe()
		time.Sleep(10 * pollInterval)
		log.setBroken(nil)
		time.Sleep(2 * pollInterval)
		log.add(MeetingCreated, "new")
		f.Wake()
		synctest.Wait()
		expect(t, s, "new")
	})
}

func TestOldEventsArePruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		log.add(MeetingCreated, "old")
		log.add(MeetingCreated, "young")
		log.list[0].At = time.Now().Add(-retention + pruneInterval/2)
		log.list[1].At = time.Now().Add(-retention + 3*pruneInterval/2)
		f := newFeed(log)
		defer f.Close()
		f.Start()
		synctest.Wait()
		if list, _ := log.After(t.Context(), 0, 9); len(list) != 2 {
			t.Fatalf("pruned too early: %v", list)
		}
		time.Sleep(pruneInterval)
		synctest.Wait()
		if list, _ := log.After(t.Context(), 0, 9); len(list) != 1 || list[0].Subject != "young" {
			t.Fatalf("left: %v", list)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(&memoryLog{})
		f.Start()
		s := f.Subscribe()
		f.Close()
		if _, open := drain(s); open {
			t.Error("a subscription outlives its feed")
		}
		if _, open := drain(f.Subscribe()); open {
			t.Error("a closed feed takes subscriptions")
		}
		s.Close()
	})
}

func TestConsumeBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &memoryLog{}
		f := newFeed(log)
		defer f.Close()
		var batches [][]string
		f.ConsumeBatches("c", func(_ context.Context, list []Event) error {
			var subjects []string
			for _, e := range list {
				subjects = append(subjects, e.Subject)
			}
			batches = append(batches, subjects)
			if len(batches) == 1 {
				return errors.New("not yet")
			}
			return nil
		})
		log.add(MeetingCreated, "a")
		log.add(MeetingCreated, "b")
		f.Start()
		synctest.Wait()
		if c, _ := log.Cursor(t.Context(), "c"); c != 0 {
			t.Fatalf("after a failure the consumer is at %d", c)
		}
		time.Sleep(firstRetry)
		synctest.Wait()
		log.add(MeetingCreated, "c")
		f.Wake()
		synctest.Wait()
		if c, _ := log.Cursor(t.Context(), "c"); c != 3 || !slices.EqualFunc(batches, [][]string{{"a", "b"}, {"a", "b"}, {"c"}}, slices.Equal) {
			t.Fatalf("the consumer is at %d, batches %q", c, batches)
		}
	})
}
