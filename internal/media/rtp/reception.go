package rtp

import "github.com/pion/rtcp"

// Verdict is what Reception says about a packet.
type Verdict int

const (
	// InOrder is a packet newer than all before, perhaps behind a gap.
	InOrder Verdict = iota
	// Late is one that is older than the newest: reordered, a duplicate, or retransmitted.
	Late
	// Restarted is the first of a new run of sequence numbers that has nothing to do with the run before.
	Restarted
	// Stray is a packet far from the run; it is to be dropped.
	Stray
)

// maxMisorder is how far from the highest number a packet may be to belong to the same run.
const maxMisorder = 1024

// Reception keeps the statistics of one received stream for its receiver reports (RFC 3550 section 6.4.1
// and appendix A). ClockRate is to be set before use.
type Reception struct {
	ClockRate uint32

	seq       Unwrapper
	abandoned bool
	stray     int64 // wire number after the last stray one, or -1
	base      int64
	received  int64

	timestamp uint32 // of the last packet
	transit   uint32
	jitter    uint32 // times 16
	hasTiming bool

	expectedPrior, receivedPrior int64

	lastSR   uint32 // middle 32 bits of the NTP time of the last sender report
	lastSRAt int64  // its arrival, ns
}

// Peek extends a sequence number without counting a packet.
func (r *Reception) Peek(seq uint16) int64 { return r.seq.Peek(seq) }

// Highest returns the highest extended number received.
func (r *Reception) Highest() int64 { return r.seq.Highest() }

// Started tells whether anything was received.
func (r *Reception) Started() bool { return r.seq.Started() }

// Receive counts a packet that came in the stream itself, not as RTX.
func (r *Reception) Receive(seq uint16, timestamp uint32, arrival int64) (ext int64, v Verdict) {
	switch ext = r.seq.Peek(seq); {
	case !r.seq.Started():
		r.begin(r.seq.Unwrap(seq))
		v = InOrder
	case r.abandoned || ext > r.seq.Highest()+maxMisorder:
		ext, v = r.seq.Restart(seq), Restarted
		r.begin(ext)
	case ext > r.seq.Highest():
		r.seq.Unwrap(seq)
		v = InOrder
	case ext < r.seq.Highest()-maxMisorder:
		// Two successive numbers make a new run, one alone is a stray (RFC 3550 appendix A.1).
		if r.stray != int64(seq) {
			r.stray = int64(seq + 1)
			return ext, Stray
		}
		ext, v = r.seq.Restart(seq), Restarted
		r.begin(ext)
	default:
		v = Late
	}
	r.stray = -1
	r.received++
	if v != Late {
		r.time(timestamp, arrival)
	}
	return ext, v
}

func (r *Reception) begin(ext int64) {
	r.base, r.received, r.expectedPrior, r.receivedPrior = ext, 0, 0, 0
	r.hasTiming, r.jitter, r.stray, r.abandoned = false, 0, -1, false
}

// time updates the interarrival jitter (RFC 3550 appendix A.8). Of packets with one timestamp only the first counts: the
// others are later parts of a frame, or padding that is sent long after it to find out what the line carries.
func (r *Reception) time(timestamp uint32, arrival int64) {
	if r.hasTiming && timestamp == r.timestamp {
		return
	}
	r.timestamp = timestamp
	transit := Ticks(arrival, r.ClockRate) - timestamp
	if r.hasTiming {
		d := int32(transit - r.transit)
		if d < 0 {
			d = -d
		}
		r.jitter += uint32(d) - (r.jitter+8)>>4
	}
	r.transit, r.hasTiming = transit, true
}

// SenderReport notes a sender report (its 64-bit NTP time) for the LSR and DLSR fields.
func (r *Reception) SenderReport(ntp uint64, arrival int64) {
	r.lastSR, r.lastSRAt = uint32(ntp>>16), arrival
}

// Abandon ends the run: whatever comes next is another stream, and is Restarted.
func (r *Reception) Abandon() { r.abandoned, r.lastSRAt = true, 0 }

// Reportable tells whether there is a run to report on.
func (r *Reception) Reportable() bool { return r.seq.Started() && !r.abandoned }

// Report makes the report block and begins a new interval.
func (r *Reception) Report(ssrc uint32, now int64) rtcp.ReceptionReport {
	expected := r.seq.Highest() - r.base + 1
	lost := expected - r.received
	interval := expected - r.expectedPrior
	lostInterval := interval - (r.received - r.receivedPrior)
	r.expectedPrior, r.receivedPrior = expected, r.received
	var fraction uint8
	if interval > 0 && lostInterval > 0 {
		fraction = uint8(min(lostInterval*256/interval, 255))
	}
	report := rtcp.ReceptionReport{
		SSRC:               ssrc,
		FractionLost:       fraction,
		TotalLost:          uint32(min(max(lost, 0), 0x7fffff)),
		LastSequenceNumber: uint32(r.seq.Highest()),
		Jitter:             r.jitter >> 4,
	}
	if r.lastSRAt != 0 {
		report.LastSenderReport = r.lastSR
		report.Delay = Ticks(now-r.lastSRAt, 1<<16)
	}
	return report
}
