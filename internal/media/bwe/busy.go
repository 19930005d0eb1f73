package bwe

const (
	busyDelay   = 10 * millisecond  // of queuing: the link is at work without a pause
	busyWindow  = 200 * millisecond // over which its rate is measured
	busyLeast   = 40 * millisecond
	busyPackets = 5
	squeezed    = 0.95 // time of sending over time of arriving: less means that the link was too slow for us
	crushed     = 0.7  // the same, less than a way that became longer or a late burst makes of it
)

// busy measures the rate of arrival while packets queue on the way, which is the capacity of the link if it is
// our packets that fill it. The rate over a fixed time would count the pauses between bursts too.
type busy struct {
	running      bool
	began, until int64 // of arrivals
	sent, last   int64 // of sending
	bytes, n     int
	before       arrivals // in the window before of the same busy period
}

// arrivals is how packets arrived while the link was busy; the zero value = not known.
type arrivals struct {
	rate    float64 // bit/s
	squeeze float64 // time of sending over time of arriving
}

// add takes a packet in that arrived with a queuing delay.
func (b *busy) add(delay, sent, at int64, size int) {
	if delay < busyDelay {
		b.running, b.n, b.before = false, 0, arrivals{}
		return
	}
	idle := at-delay > b.until // the one before it had arrived when this one set out
	if !b.running || idle || at < b.until-busyWindow {
		b.start(sent, at, arrivals{})
		return
	}
	b.bytes += size
	b.n++
	b.until, b.last = max(b.until, at), max(b.last, sent)
	if b.until-b.began >= busyWindow && b.n >= busyPackets {
		b.start(b.last, b.until, b.measure())
	}
}

func (b *busy) start(sent, at int64, before arrivals) {
	*b = busy{running: true, began: at, until: at, sent: sent, last: sent, before: before}
}

func (b *busy) measure() arrivals {
	took := float64(b.until - b.began)
	return arrivals{rate: float64(b.bytes) * 8 * second / took, squeeze: float64(b.last-b.sent) / took}
}

// capacity is the rate of the link in bit/s if packets arrived more slowly than they were sent by the given factor;
// 0 = not known.
func (b *busy) capacity(squeeze float64) float64 {
	a := b.before
	if b.n >= busyPackets && b.until-b.began >= busyLeast {
		a = b.measure()
	}
	if a.squeeze > squeeze {
		return 0
	}
	return a.rate
}
