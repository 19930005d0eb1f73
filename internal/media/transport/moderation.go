package transport

import "time"

// While datagrams come faster than busyRate, a reader looks every pollInterval instead of being woken for each: waking
// costs many times what reading does, and a server is busy when many people are in calls. What comes meanwhile waits up
// to pollInterval, which is less than the jitter of any network.
const (
	pollInterval = time.Millisecond
	busyRate     = 1500       // datagrams per second
	busyWindow   = 16_000_000 // ns over which the rate is measured
)

// moderation decides whether a reader is woken or looks by itself, as network drivers do.
type moderation struct {
	polling bool

	since int64 // of the window
	count int   // datagrams in it
}

// note takes in that n datagrams were there at a time.
func (m *moderation) note(n int, now int64) {
	m.count += n
	elapsed := now - m.since
	if elapsed < busyWindow {
		return
	}
	m.polling = int64(m.count)*1_000_000_000 > busyRate*elapsed
	m.since, m.count = now, 0
}
