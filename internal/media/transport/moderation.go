package transport

import "time"

// A reader that looks every now and then instead of being woken for each datagram saves most of what reading costs, since
// waking costs many times as much. What comes meanwhile waits that long.
const (
	// pollInterval is for readers with much to do: many people are in calls. It is less than the jitter of any network.
	pollInterval = time.Millisecond
	busyRate     = 1500 // datagrams per second from which on it is used

	// calmInterval is for readers that take in sound and next to nothing that is urgent. Sound waits for the next frame of
	// its room's clock anyway, and for others in the jitter queue before that.
	calmInterval = 5 * time.Millisecond
	calmRate     = 250 // packets of sound per second from which on it is used
	calmShare    = 64  // for so many of them, one urgent datagram at most

	busyWindow = 16_000_000 // ns over which rates are measured
	// calmMemory is over how many windows urgency is: a quarter of a second, as the packets of a picture come together and
	// then none until the next picture.
	calmMemory = 16
)

// tally counts datagrams.
type tally struct {
	all     int
	patient int // those of them that can wait, see Batch.Patient
	urgent  int // those of them that cannot, see Batch.Urgent
}

// moderation decides whether a reader is woken or looks by itself, as network drivers do.
type moderation struct {
	interval time.Duration // between two looks; 0 = it is woken

	since  int64 // of the window
	window tally // in it
	// Sums of all windows, in which each one counts for less by a calmMemory-th with every further one.
	patient, urgent int // times calmMemory
}

// note takes in what was there at a time.
func (m *moderation) note(n tally, now int64) {
	w := &m.window
	w.all += n.all
	w.patient += n.patient
	w.urgent += n.urgent
	elapsed := now - m.since
	if elapsed < busyWindow {
		return
	}
	m.patient += calmMemory*w.patient - m.patient/calmMemory
	m.urgent += calmMemory*w.urgent - m.urgent/calmMemory
	perSecond := func(n int) int64 { return int64(n) * 1_000_000_000 / elapsed }
	switch {
	case m.urgent*calmShare <= m.patient && perSecond(w.patient) > calmRate:
		m.interval = calmInterval
	case perSecond(w.all) > busyRate:
		m.interval = pollInterval
	default:
		m.interval = 0
	}
	m.since, m.window = now, tally{}
}
