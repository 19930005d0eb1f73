package rooms

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
)

// hall is a room without a clock.
type hall struct {
	*Room
	people []*Participant
	ears   []*listener
}

func newHall(t *testing.T, n int) *hall {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	hub := &Hub{cfg: Config{Logger: log}, activity: newActivityQueue(nil, log), presence: newPresenceQueue(nil, log)}
	t.Cleanup(func() { hub.activity.close(); hub.presence.close() })
	h := &hall{Room: newRoom(hub, "c")}
	for range n {
		h.enter(t)
	}
	return h
}

// enter lets somebody join who may do everything, and be announced.
func (h *hall) enter(t *testing.T) {
	t.Helper()
	all, l := Capability{Send: true, Receive: true}, &listener{left: make(map[uint32]bool)}
	p, err := h.join(Member{AttendeeID: fmt.Sprint("a", len(h.people)), Capabilities: Capabilities{all, all, all}, Observer: l})
	if err != nil {
		t.Fatal(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p.indexSent = true
	h.announceLocked(p)
	h.people, h.ears = append(h.people, p), append(h.ears, l)
}

// lines are the audio ids in each roster that a listener has had.
func (l *listener) lines() (list [][]uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, news := range l.rosters {
		var ids []uint32
		for _, e := range news.Value {
			ids = append(ids, e.AudioStreamID)
		}
		list = append(list, ids)
	}
	return list
}

// A change is told at once. Those that follow wait for the clock, and are told together, in order; who has come
// meanwhile has had them in its first roster.
func TestRosterChangesAreGathered(t *testing.T) {
	h := newHall(t, 1)
	h.refreshRoster()
	for range 3 {
		h.enter(t)
	}
	want := func(when string, lines ...[][]uint32) {
		t.Helper()
		for i, w := range lines {
			if got := h.ears[i].lines(); fmt.Sprint(got) != fmt.Sprint(w) {
				t.Errorf("%s: person %d was told %v, want %v", when, i+1, got, w)
			}
		}
	}
	want("before the clock looks", [][]uint32{{1}, {2}}, [][]uint32{{1, 2}}, [][]uint32{{1, 2, 3}}, [][]uint32{{1, 2, 3, 4}})
	h.people[1].SetMuted(true)
	h.leave(h.people[3], false)
	h.refreshRoster()
	want("then", [][]uint32{{1}, {2}, {3, 4, 2, 4}}, [][]uint32{{1, 2}, {3, 4, 2, 4}}, [][]uint32{{1, 2, 3}, {4, 2, 4}})
	if a, b := h.ears[0].rosters, h.ears[1].rosters; a[len(a)-1] != b[len(b)-1] {
		t.Error("the same is told in different words")
	}
	h.refreshRoster()
	h.refreshRoster()
	h.people[1].SetMuted(false)
	want("when the clock has looked and nothing was told", [][]uint32{{1}, {2}, {3, 4, 2, 4}, {2}})
}

// Everybody who only watches is shown the same; who sends, or may not do everything, gets an index of its own.
func TestIndexIsShared(t *testing.T) {
	h := newHall(t, 5)
	h.people[1].camera = &videoGroup{owner: h.people[1]}
	h.people[2].can.Content.Receive = false
	h.mu.Lock()
	h.flushIndexLocked()
	h.mu.Unlock()
	var own []int
	for i, l := range h.ears {
		if l.index != h.ears[0].index {
			own = append(own, i)
		}
	}
	if !slices.Equal(own, []int{1, 2}) {
		t.Errorf("%v have an index of their own", own)
	}
}

func TestWordsAreFoundOnce(t *testing.T) {
	s, asked := &Shared[int]{Value: 7}, 0
	find := func(n int) []byte { asked++; return []byte{byte(n)} }
	if a, b := s.Words(find), s.Words(find); &a[0] != &b[0] || a[0] != 7 || asked != 1 {
		t.Errorf("%v, then %v; asked %d times", a, b, asked)
	}
}
