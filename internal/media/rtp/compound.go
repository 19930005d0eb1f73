package rtp

import (
	"encoding/binary"
	"iter"
)

// RTCP packet types and feedback formats (RFC 3550 section 12.1, RFC 4585 section 6).
const (
	SenderReport          = 200
	ReceiverReport        = 201
	TransportFeedback     = 205
	PayloadFeedback       = 206
	FormatNACK            = 1
	FormatPLI             = 1
	FormatFIR             = 4
	FormatApplicationREMB = 15
	FormatTransportCC     = 15 // draft-holmer-rmcat-transport-wide-cc-extensions-01
)

// RTCPPacket is one packet of a compound RTCP packet.
type RTCPPacket struct {
	Type  uint8
	Count uint8 // report count or feedback message type
	Raw   []byte
}

// Compound yields the packets of a compound RTCP packet (RFC 3550 section 6.1), or of a reduced-size one
// (RFC 5506). It ends at the first one that is malformed, so that one packet that a peer invents does
// not cost the packets before it.
func Compound(data []byte) iter.Seq[RTCPPacket] {
	return func(yield func(RTCPPacket) bool) {
		for len(data) >= 4 && data[0]>>6 == 2 {
			n := (int(binary.BigEndian.Uint16(data[2:])) + 1) * 4
			if n > len(data) || !yield(RTCPPacket{Type: data[1], Count: data[0] & 0x1f, Raw: data[:n]}) {
				return
			}
			data = data[n:]
		}
	}
}
