package bwe

const (
	busyDelay   = 10 * millisecond  // of queuing: the link is at work without a pause
	busyWindow  = 200 * millisecond // over which its rate is measured
	busyLeast   = 40 * millisecond
	busyPackets = 5
	squeezed    = 0.95 // time of sending over time of arriving: less means that the link was too slow for us
)

// busy measures the rate of arrival while packets queue on the way, which is the capacity of the link if it is
// our packets that fill it. The rate over a fixed time would count the pauses between bursts too.
type busy struct {
	running      bool
	began, until int64 // of arrivals
	sent, last   int64 // of sending
	bytes, n     int
	before       float64 // bit/s, of the window before in the same busy period; 0 = none
}

// add takes a packet in that arrived with a queuing delay.
func (b *busy) add(delay, sent, at int64, size int) {
	if delay < busyDelay {
		b.running, b.n, b.before = false, 0, 0
		return
	}
	idle := at-delay > b.until // the one before it had arrived when this one set out
	if !b.running || idle || at < b.until-busyWindow {
		b.start(sent, at, 0)
		return
	}
	b.bytes += size
	b.n++
	b.until, b.last = max(b.until, at), max(b.last, sent)
	if b.until-b.began >= busyWindow && b.n >= busyPackets {
		b.start(b.last, b.until, b.rate())
	}
}

func (b *busy) start(sent, at int64, before float64) {
	*b = busy{running: true, began: at, until: at, sent: sent, last: sent, before: before}
}

// rate is that of the window, 0 if the packets arrived as fast as they were sent.
func (b *busy) rate() float64 {
	took := float64(b.until - b.began)
	if float64(b.last-b.sent) > squeezed*took {
		return 0
	}
	return float64(b.bytes) * 8 * second / took
}

// capacity is the rate of the link in bit/s, 0 = not known.
func (b *busy) capacity() float64 {
	if b.n >= busyPackets && b.until-b.began >= busyLeast {
		return b.rate()
	}
	return b.before
}
