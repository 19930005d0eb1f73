package bwe

const (
	minQueue   = 16   // packets; power of two
	maxPacket  = 1500 // bytes of an RTP packet
	idleMemory = 5 * second
)

// Packet is a packet that waits for its turn.
type Packet struct {
	Kind Kind
	// Track tells the streams of a receiver apart, Frame the frames of a track: packets of one frame are
	// dropped together.
	Track, Frame uint32
	// Seq is the number of the packet on its track, or of the one that it repeats.
	Seq uint16
	// Key says that the frame needs no other; Discardable that no other needs it.
	Key, Discardable bool
	// TWCC and SendTime are where in Data the values of the header extensions for the transport-wide sequence
	// number and abs-send-time stand, which are only known when the packet leaves; 0 = nowhere.
	TWCC, SendTime uint16
	// Data is the RTP packet before encryption. It is valid until the next call of the Controller.
	Data []byte
}

type slot struct {
	Packet
	since   int64
	dropped bool
	data    [maxPacket]byte
}

// queue is a bounded ring of packets. The zero value is ready; it takes memory when something waits and gives
// it back when nothing has waited for some time.
type queue struct {
	slots []*slot
	head  int // index of the oldest
	n     int // slots in use, dropped ones among them
	bytes int // that wait
	limit int
	used  int64 // when it last held something
}

func (q *queue) at(i int) *slot { return q.slots[(q.head+i)&(len(q.slots)-1)] }

// push copies a packet whose data come in two parts; false when it is full or the packet is too long.
func (q *queue) push(now int64, p *Packet, header, payload []byte) bool {
	size := len(header) + len(payload)
	if size > maxPacket || q.n == len(q.slots) && !q.grow() {
		return false
	}
	at := (q.head + q.n) & (len(q.slots) - 1)
	if q.slots[at] == nil {
		q.slots[at] = new(slot)
	}
	s := q.slots[at]
	s.Packet, s.since, s.dropped = *p, now, false
	copy(s.data[copy(s.data[:], header):], payload)
	s.Data = s.data[:size]
	q.n++
	q.bytes += size
	q.used = now
	return true
}

func (q *queue) grow() bool {
	if len(q.slots) >= q.limit {
		return false
	}
	slots := make([]*slot, max(2*len(q.slots), minQueue))
	for i := range q.n {
		slots[i] = q.at(i)
	}
	q.slots, q.head = slots, 0
	return true
}

// peek returns the oldest packet, or nil.
func (q *queue) peek() *slot {
	for q.n > 0 {
		if s := q.at(0); !s.dropped {
			return s
		}
		q.skip()
	}
	return nil
}

// pop removes what peek returned; its memory is not used again before the next push.
func (q *queue) pop() {
	q.bytes -= len(q.at(0).Data)
	q.skip()
}

func (q *queue) skip() {
	q.head = (q.head + 1) & (len(q.slots) - 1)
	q.n--
}

// drop forgets a packet in place.
func (q *queue) drop(i int) {
	if s := q.at(i); !s.dropped {
		s.dropped = true
		q.bytes -= len(s.Data)
	}
}

// release gives the memory back when the queue has been empty for long.
func (q *queue) release(now int64) {
	switch {
	case q.n > 0:
		q.used = now
	case q.slots != nil && now-q.used > idleMemory:
		q.slots, q.head = nil, 0
	}
}
