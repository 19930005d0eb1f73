package bwe

const (
	queuingPeriod   = 10 * second      // the least delay is that of one or two of them
	standingDelay   = 80 * millisecond // more than a burst leaves behind
	standingPackets = 3                // of a feedback, at least
	standingMost    = 5 * second
)

// queuing estimates how long packets wait on the way: their delay, less the least delay of the last
// seconds. The two clocks run at about the same speed, so old minima are forgotten.
type queuing struct {
	current, previous int64 // least delay of this period and of the one before
	turned            int64
	started           bool
	delay             int64 // of the last packet

	least int64 // of the packets of a feedback
	n     int
	since int64 // when the queue began to stand, 0 = it does not
}

func (q *queuing) begin() { q.least, q.n = 0, 0 }

// add takes a packet in that was under way for a time, on two clocks of different zero.
func (q *queuing) add(oneWay, now int64) {
	if !q.started {
		*q = queuing{current: oneWay, previous: oneWay, turned: now, started: true}
	}
	if now-q.turned > queuingPeriod {
		q.previous, q.current, q.turned = q.current, oneWay, now
	}
	q.current = min(q.current, oneWay)
	q.delay = oneWay - min(q.current, q.previous)
	if q.n == 0 || q.delay < q.least {
		q.least = q.delay
	}
	q.n++
}

// judge finds out at the end of a feedback whether a queue stands: no packet was on time. When it stands for
// long, whatever is sent, it is no queue but a longer way.
func (q *queuing) judge(now int64) {
	switch {
	case q.n < standingPackets:
	case q.least < standingDelay:
		q.since = 0
	case q.since == 0:
		q.since = max(now, 1)
	case now-q.since > standingMost:
		*q = queuing{}
	}
}

func (q *queuing) standing() bool { return q.since != 0 }
