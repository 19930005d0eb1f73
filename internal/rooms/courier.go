package rooms

import "sync"

// courier takes what gathers in a queue to somebody who may be slow, so that those who put it there never wait. It
// owns one goroutine, ended by close.
type courier struct {
	waiting chan struct{} // holds at most one token
	closing chan struct{}
	done    sync.WaitGroup
}

// newCourier calls deliver, which takes all there is, again and again after wake.
func newCourier(deliver func()) *courier {
	c := &courier{waiting: make(chan struct{}, 1), closing: make(chan struct{})}
	c.done.Go(func() {
		for {
			select {
			case <-c.waiting:
				deliver()
			case <-c.closing:
				deliver()
				return
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
