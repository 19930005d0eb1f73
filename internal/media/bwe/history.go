package bwe

const (
	minHistory = 128  // packets; power of two
	maxHistory = 4096 // power of two, below half of the number space
	// keepFor is how long a packet is kept at least, while there is room to grow: longer than any feedback takes.
	keepFor = 2 * second
)

type state uint8

const (
	unused state = iota
	inFlight
	lost
	arrived
)

// sentPacket is what is remembered of a packet. A Controller may hold thousands: it is 16 bytes.
type sentPacket struct {
	at      int64
	seq     uint32 // low bits of the extended number
	size    uint16
	cluster uint8 // probe that it was part of, 0 = none
	state   state
}

// history remembers the packets that were sent, by transport-wide sequence number. The zero value is ready;
// the memory follows the rate of sending.
type history struct {
	ring []sentPacket
	next int64 // extended number of the next packet; the first is 1<<16 so that none is negative
	live bool  // there is feedback: without it, remembering more is of no use
}

// add assigns the next number to a packet.
func (h *history) add(now int64, size int, cluster uint8) uint16 {
	if h.ring == nil {
		h.ring = make([]sentPacket, minHistory)
		h.next = 1 << 16
	}
	slot := h.slot(h.next)
	if h.live && slot.state == inFlight && now-slot.at < keepFor && len(h.ring) < maxHistory {
		h.grow()
		slot = h.slot(h.next)
	}
	*slot = sentPacket{at: now, seq: uint32(h.next), size: uint16(min(size, 1<<16-1)), cluster: cluster, state: inFlight}
	h.next++
	return uint16(h.next - 1)
}

func (h *history) slot(ext int64) *sentPacket { return &h.ring[ext&int64(len(h.ring)-1)] }

func (h *history) grow() {
	old := *h
	h.ring = make([]sentPacket, 2*len(old.ring))
	for ext := h.next - int64(len(old.ring)); ext < h.next; ext++ {
		if p := old.slot(ext); p.state != unused && p.seq == uint32(ext) {
			*h.slot(ext) = *p
		}
	}
}

// find returns the packet that a 16-bit number of a feedback means, or nil: never sent, or forgotten.
func (h *history) find(seq uint16) *sentPacket {
	if h.ring == nil {
		return nil
	}
	// The newest number with these low bits that was sent.
	ext := h.next - 1 - int64(uint16(h.next-1)-seq)
	if ext < h.next-int64(len(h.ring)) {
		return nil
	}
	if p := h.slot(ext); p.state != unused && p.seq == uint32(ext) {
		return p
	}
	return nil
}

// rate counts bytes over time in buckets. The zero value is ready.
type rate struct {
	buckets [rateBuckets]int32
	head    int64 // number of the newest bucket
	since   int64 // number of the first bucket ever, or of the first after a pause
	started bool
}

const (
	rateBuckets = 64 // power of two
	bucketTime  = 20 * millisecond
	maxBackward = 5 * second / bucketTime // beyond it the clock was set
)

// add counts size bytes at a time. What is older than the buckets reach is not counted.
func (r *rate) add(at int64, size int) {
	n := at / bucketTime
	switch {
	case !r.started || n-r.head >= rateBuckets || r.head-n > maxBackward:
		*r = rate{head: n, since: n, started: true}
	case n > r.head:
		for i := r.head + 1; i <= n; i++ {
			r.buckets[i&(rateBuckets-1)] = 0
		}
		r.head = n
	case r.head-n >= rateBuckets:
		return
	}
	r.buckets[n&(rateBuckets-1)] += int32(size)
}

// over is the rate in bit/s during the window that ended with the bucket before the newest, as that one
// still fills. It is 0 while less than half of the window has been seen.
func (r *rate) over(window int64) int64 {
	n := min(window/bucketTime, rateBuckets-1)
	seen := min(r.head-r.since, n)
	if !r.started || seen < n/2 || seen == 0 {
		return 0
	}
	sum := int64(0)
	for i := range seen {
		sum += int64(r.buckets[(r.head-1-i)&(rateBuckets-1)])
	}
	return sum * 8 * second / (seen * bucketTime)
}
