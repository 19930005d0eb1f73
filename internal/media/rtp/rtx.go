package rtp

import "encoding/binary"

// RTXOverhead is the size of the original sequence number in front of a retransmitted payload.
const RTXOverhead = 2

// DecapsulateRTX splits an RTX payload into the original sequence number and payload (RFC 4588 section 4).
// It is false for a payload without one: padding, which senders use to probe for bandwidth.
func DecapsulateRTX(payload []byte) (seq uint16, original []byte, ok bool) {
	if len(payload) < RTXOverhead {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(payload), payload[RTXOverhead:], true
}

// EncapsulateRTX writes the original sequence number into the first RTXOverhead bytes of buf, which the
// original payload follows.
func EncapsulateRTX(buf []byte, seq uint16) { binary.BigEndian.PutUint16(buf, seq) }
