package rooms

import (
	"slices"
	"testing"
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
	})
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
