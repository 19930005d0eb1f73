package transport

import "encoding/binary"

// Record types of DTLS (RFC 5246 section 6.2.1).
const (
	recordChangeCipherSpec = 20
	recordAlert            = 21
	recordHandshake        = 22

	recordHeader = 13 // RFC 6347 section 4.1
)

// plausible reports whether a datagram holds only DTLS records that can be of use to us. Records in plain text can be
// forged, and the library answers some broken ones with a fatal alert that is genuine, which would make the true peer
// give up; RFC 6347 section 4.1.2.7 wants them dropped in silence. There are no data channels, so application data is
// of no use either.
func plausible(datagram []byte, connected bool) bool {
	for len(datagram) > 0 {
		if len(datagram) < recordHeader {
			return false
		}
		kind := datagram[0]
		epoch := binary.BigEndian.Uint16(datagram[3:])
		size := int(binary.BigEndian.Uint16(datagram[11:]))
		if datagram[1] != 254 || size == 0 || size > len(datagram)-recordHeader {
			return false
		}
		body := datagram[recordHeader : recordHeader+size]
		switch kind {
		case recordHandshake:
		case recordAlert:
			if epoch == 0 && connected {
				return false // the peer encrypts its alerts by now
			}
		case recordChangeCipherSpec:
			if epoch != 0 || size != 1 || body[0] != 1 {
				return false
			}
		default:
			return false
		}
		if epoch > 1 { // renegotiation, which WebRTC does not have
			return false
		}
		datagram = datagram[recordHeader+size:]
	}
	return true
}
