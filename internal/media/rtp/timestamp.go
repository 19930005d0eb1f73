package rtp

// TimestampMap keeps the RTP timestamps that a receiver sees on one time line while sources, each with
// its own random offset (RFC 3550 section 5.1), follow each other. The zero value starts at the first
// source's own values.
type TimestampMap struct {
	offset  uint32 // output = input + offset
	last    uint32 // highest output
	lastAt  int64  // arrival of the packet that carried it, ns
	started bool
}

// Start joins a source whose first packet has timestamp in and arrived at the given time: the output
// advances by the time that passed since the last packet, at least by one tick.
func (m *TimestampMap) Start(in uint32, arrival int64, clockRate uint32) {
	if !m.started {
		m.started = true
		m.last, m.lastAt = in+m.offset, arrival
		return
	}
	elapsed := max(arrival-m.lastAt, 0)
	m.offset = m.last + max(Ticks(elapsed, clockRate), 1) - in
}

// StartAligned joins a source whose first packet belongs at output timestamp out, which the sender reports
// of both sources tell. What they tell is not believed when it is more than a second off from what the
// arrival says; the output always advances.
func (m *TimestampMap) StartAligned(in, out uint32, arrival int64, clockRate uint32) {
	ahead := int64(int32(out - m.last))
	elapsed := max(arrival-m.lastAt, 0)
	if !m.started || elapsed > 60_000_000_000 || ahead < -int64(clockRate) || ahead > int64(Ticks(elapsed, clockRate)+clockRate) {
		m.Start(in, arrival, clockRate)
		return
	}
	m.offset = m.last + uint32(max(ahead, 1)) - in
}

// Map returns the output timestamp of a packet.
func (m *TimestampMap) Map(in uint32, arrival int64) uint32 {
	out := in + m.offset
	if int32(out-m.last) > 0 {
		m.last, m.lastAt = out, arrival
	}
	return out
}

// Peek returns the output timestamp that belongs to an input timestamp, and changes nothing.
func (m *TimestampMap) Peek(in uint32) uint32 { return in + m.offset }

// Ticks converts a duration in nanoseconds to units of an RTP clock, modulo 2^32.
func Ticks(ns int64, clockRate uint32) uint32 {
	// Seconds and the rest apart: the product would overflow after a day.
	const second = 1_000_000_000
	return uint32(ns/second*int64(clockRate) + ns%second*int64(clockRate)/second)
}
