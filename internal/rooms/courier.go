package rooms

import (
	"log/slog"
	"sync"
	"time"
)

// gather is the least time between two deliveries. What comes alone is taken at once; when many people come at the same
// time, their reports share a delivery, which costs the control plane several commits.
const gather = 100 * time.Millisecond

// courier takes what gathers in a queue to somebody who may be slow, so that those who put it there never wait. It
// owns one goroutine, ended by close.
type courier struct {
	waiting chan struct{} // holds at most one token
	closing chan struct{}
	done    sync.WaitGroup
}

// newCourier calls deliver, which takes all there is, again and again after wake. A panic of it loses what it had taken.
func newCourier(deliver func(), log *slog.Logger) *courier {
	c := &courier{waiting: make(chan struct{}, 1), closing: make(chan struct{})}
	try := func() {
		defer containWork(log, "reports")
		deliver()
	}
	c.done.Go(func() {
		for {
			select {
			case <-c.waiting:
				try()
			case <-c.closing:
				try()
				return
			}
			select {
			case <-time.After(gather):
			case <-c.closing:
			}
		}
	})
	return c
}

// wake says that there is something. It never blocks, and does nothing after close.
func (c *courier) wake() {
	select {
	case c.waiting <- struct{}{}:
	default: // a token is there, and whoever takes it takes everything
	}
}

// close delivers what is queued and waits for that. It must be called once only.
func (c *courier) close() {
	close(c.closing)
	c.done.Wait()
}
