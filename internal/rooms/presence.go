package rooms

import "sync"

// presenceQueue carries presence counts out of the rooms' locks to the control plane, in order and
// keeping only the latest count of each conference, so that a slow database never slows a room.
// It owns one goroutine, ended by close.
type presenceQueue struct {
	report func(conferenceID string, connected int)

	mu      sync.Mutex
	order   []string
	pending map[string]int

	wake chan struct{}
	done chan struct{}
}

func newPresenceQueue(report func(string, int)) *presenceQueue {
	q := &presenceQueue{report: report, pending: make(map[string]int), wake: make(chan struct{}, 1), done: make(chan struct{})}
	go q.run()
	return q
}

func (q *presenceQueue) put(conferenceID string, connected int) {
	q.mu.Lock()
	if _, queued := q.pending[conferenceID]; !queued {
		q.order = append(q.order, conferenceID)
	}
	q.pending[conferenceID] = connected
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *presenceQueue) run() {
	defer close(q.done)
	for range q.wake {
		for {
			q.mu.Lock()
			if len(q.order) == 0 {
				q.mu.Unlock()
				break
			}
			id := q.order[0]
			q.order = q.order[1:]
			n := q.pending[id]
			delete(q.pending, id)
			q.mu.Unlock()
			if q.report != nil {
				q.report(id, n)
			}
		}
	}
}

// close delivers what is queued and waits for it. Nothing may be put afterwards.
func (q *presenceQueue) close() {
	close(q.wake)
	<-q.done
}
