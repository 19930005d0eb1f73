package rtptest

import (
	"encoding/binary"

	"github.com/pion/rtp"
)

// Parity makes the payload of a parity packet that covers the packets (ULPFEC, RFC 5109 section 7), which lie within 48
// sequence numbers from the first on; long says that it has the long mask.
func Parity(long bool, packets ...rtp.Packet) []byte {
	base := packets[0].SequenceNumber
	var mask uint64
	var head [10]byte
	var body []byte
	for _, p := range packets {
		raw, err := p.Marshal()
		if err != nil {
			panic(err)
		}
		mask |= 1 << (47 - (p.SequenceNumber - base))
		protected := append([]byte{raw[0], raw[1], 0, 0}, raw[4:8]...)
		protected = binary.BigEndian.AppendUint16(protected, uint16(len(raw)-12))
		for i, b := range protected {
			head[i] ^= b
		}
		for i, b := range raw[12:] {
			if i == len(body) {
				body = append(body, 0)
			}
			body[i] ^= b
		}
	}
	head[0] &= 0x3f
	binary.BigEndian.PutUint16(head[2:], base)
	out := binary.BigEndian.AppendUint16(head[:], uint16(len(body)))
	out = binary.BigEndian.AppendUint16(out, uint16(mask>>32))
	if long {
		out[0] |= 0x40
		out = binary.BigEndian.AppendUint32(out, uint32(mask))
	}
	return append(out, body...)
}
