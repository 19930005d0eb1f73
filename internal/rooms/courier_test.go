package rooms

import (
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Of each conference the latest count is told, in order; what comes after the end is told to nobody and harms nobody.
func TestPresenceQueue(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	type count struct {
		id string
		n  int
	}
	var got []count
	q := newPresenceQueue(func(id string, n int) {
		if got = append(got, count{id, n}); len(got) == 1 {
			close(entered)
			<-release
		}
	}, slog.New(slog.DiscardHandler))
	q.put("a", 1)
	<-entered
	q.put("b", 1)
	q.put("a", 2)
	q.put("b", 2)
	q.put("a", 0)
	close(release)
	q.close()
	q.put("a", 9)
	if want := []count{{"a", 1}, {"b", 2}, {"a", 0}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What comes soon after a delivery is taken together with what follows it. The end waits for nothing.
func TestCourierGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		start := time.Now()
		c := newCourier(func() {
			at = append(at, time.Since(start))
			panic("contained")
		}, slog.New(slog.DiscardHandler))
		const step = gather * 3 / 10
		for range 4 {
			c.wake()
			time.Sleep(step)
		}
		synctest.Wait()
		c.close()
		if want := []time.Duration{0, gather, 4 * step}; !slices.Equal(at, want) {
			t.Errorf("delivered at %v, want %v", at, want)
		}
	})
}
