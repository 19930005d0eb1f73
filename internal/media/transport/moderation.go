package transport

import "time"

// A reader that looks every now and then instead of being woken for each datagram saves most of what reading costs, since
// waking costs many times as much. What comes meanwhile waits that long.
const (
	// pollInterval is for readers with much to do: many people are in calls. It is less than the jitter of any network.
	pollInterval = time.Millisecond
	busyRate     = 1500 // datagrams per second from which on it is used

	// calmInterval is for readers of whose datagrams next to none is urgent. Sound is: it waits for the next frame of its
	// room's clock anyway, and for others in the jitter queue before that.
	calmInterval = 5 * time.Millisecond
	calmRate     = 250
	calmShare    = 16 // at most one datagram in so many is urgent

	busyWindow = 16_000_000 // ns over which this is measured
)

// moderation decides whether a reader is woken or looks by itself, as network drivers do.
type moderation struct {
	interval time.Duration // between two looks; 0 = it is woken

	since  int64 // of the window
	count  int   // datagrams in it
	urgent int   // those of them that somebody waits for
}

// note takes in that n datagrams were there at a time, and how many of them were urgent.
func (m *moderation) note(n, urgent int, now int64) {
	m.count += n
	m.urgent += urgent
	elapsed := now - m.since
	if elapsed < busyWindow {
		return
	}
	m.interval = intervalFor(int64(m.count)*1_000_000_000/elapsed, m.urgent*calmShare <= m.count)
	m.since, m.count, m.urgent = now, 0, 0
}

// intervalFor is how often a reader looks at so many datagrams a second.
func intervalFor(rate int64, calm bool) time.Duration {
	switch {
	case calm && rate > calmRate:
		return calmInterval
	case rate > busyRate:
		return pollInterval
	}
	return 0
}
