package rtp

import "encoding/binary"

// NAL unit types (RFC 6184 section 5.2 and ITU-T H.264 table 7-1).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalSTAPA = 24
	nalFUA   = 28
)

// H264 is what a forwarder needs to know of an H.264 RTP payload.
type H264 struct {
	// SPS is true if the packet carries a sequence parameter set: the packet with which decoding can begin.
	SPS bool
	// IDR is true if an IDR slice begins in the packet.
	IDR bool
	// Width and Height in pixels after cropping, from the parameter set; else 0.
	Width, Height int
}

// ParseH264 looks at the NAL units of a single-NAL, STAP-A or FU-A payload (RFC 6184 section 5.6, 5.7.1, 5.8).
func ParseH264(payload []byte) (h H264) {
	if len(payload) == 0 {
		return h
	}
	switch payload[0] & 0x1f {
	case nalSTAPA:
		for rest := payload[1:]; len(rest) > 2; {
			n := int(binary.BigEndian.Uint16(rest))
			rest = rest[2:]
			if n == 0 || n > len(rest) {
				return h
			}
			h.unit(rest[0], rest[1:n])
			rest = rest[n:]
		}
	case nalFUA:
		if len(payload) >= 2 && payload[1]&0x80 != 0 { // S: the first fragment
			h.unit(payload[1], payload[2:])
		}
	default:
		h.unit(payload[0], payload[1:])
	}
	return h
}

func (h *H264) unit(header byte, body []byte) {
	switch header & 0x1f {
	case nalIDR:
		h.IDR = true
	case nalSPS:
		h.SPS = true
		if w, ht, ok := spsSize(body); ok {
			h.Width, h.Height = w, ht
		}
	}
}
