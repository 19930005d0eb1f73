package bwe

import "encoding/binary"

const (
	feedbackHeader = 20      // bytes before the first status chunk
	deltaUnit      = 250_000 // ns
	referenceUnit  = 64 * millisecond
	referenceBits  = 24
	maxStatuses    = 8192 // a feedback that speaks of more is refused: it would only cost time
	chunkSize      = 2
)

// Packet status symbols (section 3.1.1).
const (
	notReceived = iota
	smallDelta
	largeDelta
	reserved
)

// Status is what a receiver says of one packet.
type Status struct {
	Seq      uint16
	Received bool
	Arrival  int64 // ns on the receiver's clock, modulo 2^24 times 64 ms; only if Received
}

// Feedback is one transport-wide congestion control feedback packet, and a position in it. It refers to the
// bytes it was parsed from.
type Feedback struct {
	Sender, Media uint32
	Base          uint16 // first sequence number
	Count         int    // packets that it speaks of
	Reference     int32  // 24-bit signed, in units of 64 ms
	Number        uint8  // of this feedback packet, counting from any

	chunks, deltas []byte
	done           int // statuses that Next has returned
	chunk          uint16
	left           int   // statuses that chunk still holds
	arrival        int64 // of the last received packet
}

// ParseFeedback reads an RTCP packet of type 205, format 15. It is false when the packet is anything else, is
// cut off, or contradicts itself.
func ParseFeedback(raw []byte) (f Feedback, ok bool) {
	if len(raw) < feedbackHeader || raw[0]>>6 != 2 || raw[0]&0x1f != 15 || raw[1] != 205 {
		return f, false
	}
	size := (int(binary.BigEndian.Uint16(raw[2:])) + 1) * 4
	if size > len(raw) || size < feedbackHeader {
		return f, false
	}
	raw = raw[:size]
	if raw[0]&(1<<5) != 0 {
		padding := int(raw[size-1])
		if padding == 0 || padding > size-feedbackHeader {
			return f, false
		}
		raw = raw[:size-padding]
	}
	f.Sender = binary.BigEndian.Uint32(raw[4:])
	f.Media = binary.BigEndian.Uint32(raw[8:])
	f.Base = binary.BigEndian.Uint16(raw[12:])
	f.Count = int(binary.BigEndian.Uint16(raw[14:]))
	f.Reference = int32(binary.BigEndian.Uint32(raw[16:])) >> 8
	f.Number = raw[19]
	if f.Count == 0 || f.Count > maxStatuses {
		return f, false
	}
	return f, f.split(raw[feedbackHeader:])
}

// split finds where the chunks end and the deltas begin, and that there are enough of both.
func (f *Feedback) split(body []byte) bool {
	need, at := 0, 0
	for seen := 0; seen < f.Count; at += chunkSize {
		if at+chunkSize > len(body) {
			return false
		}
		chunk := binary.BigEndian.Uint16(body[at:])
		n := min(statuses(chunk), f.Count-seen)
		if n == 0 {
			return false // an empty run, of which there could be any number
		}
		bytes := deltaBytes(chunk, n)
		if bytes < 0 {
			return false
		}
		need += bytes
		seen += n
	}
	if at+need > len(body) {
		return false
	}
	f.chunks, f.deltas = body[:at], body[at:at+need]
	f.arrival = int64(f.Reference) * referenceUnit
	return true
}

// statuses is how many a chunk holds (sections 3.1.3 and 3.1.4).
func statuses(chunk uint16) int {
	switch {
	case chunk>>15 == 0:
		return int(chunk & 0x1fff)
	case chunk>>14 == 2:
		return 14
	default:
		return 7
	}
}

// symbol is the status of the packet at position i of a chunk.
func symbol(chunk uint16, i int) uint16 {
	switch {
	case chunk>>15 == 0:
		return chunk >> 13 & 3
	case chunk>>14 == 2:
		return chunk >> (13 - i) & 1
	default:
		return chunk >> (12 - 2*i) & 3
	}
}

// deltaBytes is the size of the deltas that the first n statuses of a chunk need, or -1 for a symbol that
// has no meaning.
func deltaBytes(chunk uint16, n int) (size int) {
	if chunk>>15 == 0 {
		s := symbol(chunk, 0)
		if s == reserved {
			return -1
		}
		return int(s) * n
	}
	for i := range n {
		s := symbol(chunk, i)
		if s == reserved {
			return -1
		}
		size += int(s) // a symbol is the size of its delta
	}
	return size
}

// Next returns the packets one by one, in the order of their numbers; false after the last one.
func (f *Feedback) Next() (s Status, ok bool) {
	if f.done == f.Count {
		return s, false
	}
	if f.left == 0 {
		f.chunk = binary.BigEndian.Uint16(f.chunks)
		f.chunks = f.chunks[chunkSize:]
		f.left = statuses(f.chunk)
	}
	s.Seq = f.Base + uint16(f.done)
	switch symbol(f.chunk, statuses(f.chunk)-f.left) {
	case smallDelta:
		f.arrival += int64(f.deltas[0]) * deltaUnit
		f.deltas = f.deltas[1:]
		s.Received, s.Arrival = true, f.arrival
	case largeDelta:
		f.arrival += int64(int16(binary.BigEndian.Uint16(f.deltas))) * deltaUnit
		f.deltas = f.deltas[2:]
		s.Received, s.Arrival = true, f.arrival
	}
	f.left--
	f.done++
	return s, true
}
