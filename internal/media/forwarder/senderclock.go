package forwarder

// senderClock is what a sender report says: which timestamp belongs to which moment of the sender's clock
// (RFC 3550 section 6.4.1), and when we learned of it.
type senderClock struct {
	ntp       uint64
	timestamp uint32
	at        int64
}

// translate converts a timestamp of another stream of the same sender, which other describes, to this stream.
// It is false for reports that have nothing to do with each other.
func (c *senderClock) translate(other *senderClock, timestamp, clockRate uint32) (uint32, bool) {
	const hour = 3600 << 32
	apart := int64(other.ntp - c.ntp)
	if apart > hour || apart < -hour {
		return 0, false
	}
	ticks := (apart>>8*int64(clockRate) + 1<<23) >> 24
	return c.timestamp + uint32(ticks) + (timestamp - other.timestamp), true
}
