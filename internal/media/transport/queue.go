package transport

import "sync"

const (
	// maxQueued bounds what waits for a peer that takes it too slowly, in bytes: a large key frame.
	maxQueued = 256 << 10
	// maxQueueAge is how long datagrams may wait. Media that is later than this is worth nothing, and what comes after
	// it is worth more.
	maxQueueAge = int64(500_000_000)
)

// queue holds framed datagrams between the packet path, which never waits, and one goroutine that sends them. Two
// buffers change places, so that it does not allocate once it has grown.
type queue struct {
	server *Server
	wake   chan struct{} // buffered, 1: there is something to take, or the queue is closed

	mu      sync.Mutex
	pending []byte
	frames  uint64 // in pending
	since   int64  // when the oldest of them was queued
	closed  bool
}

func (q *queue) init(s *Server) {
	q.server = s
	q.wake = make(chan struct{}, 1)
}

// put queues a datagram, or drops it when the queue is full or closed. When what waits has grown too old, that is
// dropped instead.
func (q *queue) put(prefix, datagram []byte, now int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.pending) > 0 && now-q.since > maxQueueAge {
		q.server.counters.sendDropped.Add(q.frames)
		q.pending, q.frames = q.pending[:0], 0
	}
	if q.closed || len(q.pending)+frameHeader+len(prefix)+len(datagram) > maxQueued {
		q.server.counters.sendDropped.Add(1)
		return
	}
	if len(q.pending) == 0 {
		q.since = now
		q.poke()
	}
	q.pending = appendFrame(q.pending, prefix, datagram)
	q.frames++
}

// take returns what waits and how many datagrams that is, and keeps the given buffer for what comes.
func (q *queue) take(spare []byte) (framed []byte, frames uint64, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	framed, frames = q.pending, q.frames
	q.pending, q.frames = spare[:0], 0
	return framed, frames, q.closed
}

// close refuses further datagrams; those that wait can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.poke()
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
