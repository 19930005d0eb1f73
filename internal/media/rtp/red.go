package rtp

import "encoding/binary"

// MaxRedundant bounds the redundant blocks of a packet; browsers send up to nine, mostly one or two.
const MaxRedundant = 9

// REDBlock is one earlier payload that a packet repeats (RFC 2198).
type REDBlock struct {
	PayloadType uint8
	Back        uint16 // how much earlier it was, in units of the RTP clock
	Payload     []byte // part of the packet; may be empty
}

// RED is the content of a packet with redundant audio data.
type RED struct {
	PayloadType uint8 // of Primary
	Primary     []byte
	Redundant   int // how many of Blocks are used, oldest first
	Blocks      [MaxRedundant]REDBlock
}

// Parse reads a payload (RFC 2198 section 3). It reports false, and leaves nothing to use, if the payload is broken or
// has more than MaxRedundant redundant blocks.
func (r *RED) Parse(payload []byte) bool {
	r.Redundant, r.Primary = 0, nil
	var lengths [MaxRedundant]int
	n := 0
	for len(payload) > 0 && payload[0]&0x80 != 0 {
		if len(payload) < 4 || n == MaxRedundant {
			return false
		}
		word := binary.BigEndian.Uint32(payload)
		r.Blocks[n].PayloadType = uint8(word >> 24 & 0x7f)
		r.Blocks[n].Back = uint16(word >> 10 & 0x3fff)
		lengths[n] = int(word & 0x3ff)
		payload = payload[4:]
		n++
	}
	if len(payload) == 0 {
		return false
	}
	r.PayloadType, payload = payload[0], payload[1:]
	for i := range n {
		if lengths[i] > len(payload) {
			return false
		}
		r.Blocks[i].Payload, payload = payload[:lengths[i]], payload[lengths[i]:]
	}
	r.Primary, r.Redundant = payload, n
	return true
}

const (
	maxREDBack   = 1<<14 - 1 // what 14 bits hold
	maxREDLength = 1<<10 - 1 // what 10 bits hold
)

// AppendRED appends a payload that carries primary and, as far as the format has room for them, the payloads before
// it: earlier[0] is the one right before, each is step units of the RTP clock before the next. An empty one ends the
// list. All have the same payload type.
func AppendRED(dst []byte, payloadType uint8, primary []byte, earlier [][]byte, step int) []byte {
	n := 0
	for n < len(earlier) && len(earlier[n]) > 0 && len(earlier[n]) <= maxREDLength && (n+1)*step <= maxREDBack {
		n++
	}
	for i := n; i > 0; i-- {
		dst = binary.BigEndian.AppendUint32(dst, 1<<31|uint32(payloadType&0x7f)<<24|uint32(i*step)<<10|uint32(len(earlier[i-1])))
	}
	dst = append(dst, payloadType&0x7f)
	for i := n; i > 0; i-- {
		dst = append(dst, earlier[i-1]...)
	}
	return append(dst, primary...)
}
