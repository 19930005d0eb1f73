package transport

import (
	"encoding/binary"
	"errors"
)

// frameHeader is the length that precedes each datagram on a stream (RFC 4571 section 2).
const frameHeader = 2

// errFrameTooLong ends a stream: no peer of ours sends datagrams of this size, so the bytes are not what they should be.
var errFrameTooLong = errors.New("a frame is longer than any datagram")

// appendFrame frames a datagram that consists of two parts, of which the first may be empty.
func appendFrame(to, prefix, datagram []byte) []byte {
	to = binary.BigEndian.AppendUint16(to, uint16(len(prefix)+len(datagram)))
	to = append(to, prefix...)
	return append(to, datagram...)
}

// nextFrame splits off the first frame. It is nil, and everything is left, when b does not hold it whole. Frames
// without content are skipped.
func nextFrame(b []byte) (frame, rest []byte, err error) {
	for len(b) >= frameHeader {
		size := int(binary.BigEndian.Uint16(b))
		switch {
		case size > maxDatagram:
			return nil, b, errFrameTooLong
		case size == 0:
			b = b[frameHeader:]
			continue
		case len(b) < frameHeader+size:
			return nil, b, nil
		}
		end := frameHeader + size
		return b[frameHeader:end:end], b[end:], nil
	}
	return nil, b, nil
}
