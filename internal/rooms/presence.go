package rooms

import (
	"log/slog"
	"sync"
)

// presenceQueue carries presence counts out of the rooms' locks to the control plane, in order and
// keeping only the latest count of each conference, so that a slow database never slows a room.
type presenceQueue struct {
	*courier
	report func(conferenceID string, connected int)

	mu      sync.Mutex
	order   []string
	pending map[string]int
}

func newPresenceQueue(report func(string, int), log *slog.Logger) *presenceQueue {
	q := &presenceQueue{report: report, pending: make(map[string]int)}
	if report == nil {
		q.report = func(string, int) {}
	}
	q.courier = newCourier(q.deliver, log)
	return q
}

func (q *presenceQueue) put(conferenceID string, connected int) {
	q.mu.Lock()
	if _, queued := q.pending[conferenceID]; !queued {
		q.order = append(q.order, conferenceID)
	}
	q.pending[conferenceID] = connected
	q.mu.Unlock()
	q.wake()
}

func (q *presenceQueue) deliver() {
	for id, n, ok := q.next(); ok; id, n, ok = q.next() {
		q.report(id, n)
	}
}

func (q *presenceQueue) next() (conferenceID string, connected int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		return "", 0, false
	}
	conferenceID = q.order[0]
	q.order = q.order[1:]
	connected = q.pending[conferenceID]
	delete(q.pending, conferenceID)
	return conferenceID, connected, true
}
