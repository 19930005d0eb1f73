package rooms

import (
	"sync/atomic"
	"time"

	"carillon/internal/media/transport"
)

// pacePeriod is how often packets that wait for their turn are looked after.
const pacePeriod = 5 * time.Millisecond

// pacer lets the packets of all connections leave whose turn comes later than they did, by one goroutine, which
// sleeps while there are none.
type pacer struct {
	// waiting is a stack, linked by media.nextPaced, of the connections that the goroutine has not seen yet. Packets
	// are queued on the packet path, which takes no lock that participants share.
	waiting atomic.Pointer[media]
	asleep  atomic.Bool
	wake    chan struct{}
	stop    chan struct{}
}

func newPacer() *pacer { return &pacer{wake: make(chan struct{}, 1), stop: make(chan struct{})} }

// add has a connection paced. It must not be called again before the pacing of the connection has ended.
func (p *pacer) add(m *media) {
	for {
		head := p.waiting.Load()
		m.nextPaced = head
		if p.waiting.CompareAndSwap(head, m) {
			break
		}
	}
	if p.asleep.CompareAndSwap(true, false) {
		p.wake <- struct{}{}
	}
}

// run paces until stop is closed.
func (p *pacer) run(b *transport.Batch) {
	var active []*media
	ticker := time.NewTicker(pacePeriod)
	defer ticker.Stop()
	for {
		active = p.collect(active)
		if len(active) == 0 {
			ticker.Stop()
			if !p.sleep() {
				return
			}
			ticker.Reset(pacePeriod)
		}
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		active = step(b, p.collect(active))
	}
}

func (p *pacer) collect(active []*media) []*media {
	for m := p.waiting.Swap(nil); m != nil; {
		next := m.nextPaced
		m.nextPaced = nil
		active = append(active, m)
		m = next
	}
	return active
}

// step paces each connection once and returns those that need it again.
func step(b *transport.Batch, active []*media) []*media {
	now := transport.Now()
	kept := active[:0]
	for _, m := range active {
		if m.pace(b, now) {
			kept = append(kept, m)
		}
	}
	clear(active[len(kept):])
	b.Flush()
	return kept
}

// pace reports whether the connection needs it again.
func (m *media) pace(b *transport.Batch, now int64) (again bool) {
	defer m.owner.contain()
	return m.down.Pace(b, now)
}

// sleep waits until a connection is added; false = the end has come.
func (p *pacer) sleep() bool {
	p.asleep.Store(true)
	if p.waiting.Load() != nil && p.asleep.CompareAndSwap(true, false) {
		return true // it came in between
	}
	select {
	case <-p.stop:
		return false
	case <-p.wake:
		return true
	}
}
