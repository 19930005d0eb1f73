package bwe

const (
	busyDelay   = 10 * millisecond  // of queuing: the link is at work without a pause
	busyWindow  = 200 * millisecond // over which its rate is measured
	busyLeast   = 40 * millisecond
	busyPackets = 5
)

// busy measures the rate of arrival while packets queue on the way, which is the capacity of the link. The rate
// over a fixed time would count the pauses between bursts too.
type busy struct {
	running      bool
	began, until int64
	bytes, n     int
	last         float64 // bit/s, of the window before in the same busy period; 0 = none
}

// add takes a packet in that arrived with a queuing delay.
func (b *busy) add(delay, at int64, size int) {
	if delay < busyDelay {
		b.running = false
		return
	}
	idle := at-delay > b.until // the one before it had arrived when this one set out
	if !b.running || idle || at < b.until-busyWindow {
		*b = busy{running: true, began: at, until: at}
		return
	}
	b.bytes += size
	b.n++
	b.until = max(b.until, at)
	if b.until-b.began >= busyWindow && b.n >= busyPackets {
		*b = busy{running: true, began: b.until, until: b.until, last: b.rate()}
	}
}

func (b *busy) rate() float64 { return float64(b.bytes) * 8 * second / float64(b.until-b.began) }

// capacity is the rate of the link in bit/s, 0 = not known.
func (b *busy) capacity() float64 {
	if b.n >= busyPackets && b.until-b.began >= busyLeast {
		return b.rate()
	}
	return b.last
}
