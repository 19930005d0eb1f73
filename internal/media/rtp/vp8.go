package rtp

import "encoding/binary"

// VP8 is what a forwarder needs to know of a VP8 RTP payload (RFC 7741 section 4.2 and 4.3).
type VP8 struct {
	// KeyFrame is true on the first packet of a key frame only.
	KeyFrame bool
	// Width and Height in pixels, of a key frame's first packet; else 0.
	Width, Height int

	PictureID uint16 // valid if HasPictureID
	TL0PicIdx uint8  // valid if HasTL0

	HasPictureID bool
	HasTL0       bool

	longID      bool // 15 bits, else 7
	pictureIDAt uint8
	tl0At       uint8
}

// ParseVP8 reads the payload descriptor and, in the first packet of a frame, the frame header. It is
// false when the payload is no VP8.
func ParseVP8(payload []byte) (v VP8, ok bool) {
	if len(payload) < 2 {
		return v, false
	}
	first := payload[0]
	at := 1
	if first&0x80 != 0 { // X: extended control bits
		ext := payload[at]
		at++
		if ext&0x80 != 0 { // I: picture id
			if at >= len(payload) {
				return v, false
			}
			v.HasPictureID, v.pictureIDAt = true, uint8(at)
			v.PictureID = uint16(payload[at] & 0x7f)
			if payload[at]&0x80 != 0 {
				if at+1 >= len(payload) {
					return v, false
				}
				v.longID = true
				v.PictureID = v.PictureID<<8 | uint16(payload[at+1])
				at++
			}
			at++
		}
		if ext&0x40 != 0 { // L: TL0PICIDX
			if at >= len(payload) {
				return v, false
			}
			v.HasTL0, v.tl0At, v.TL0PicIdx = true, uint8(at), payload[at]
			at++
		}
		if ext&0x30 != 0 { // T or K: one byte for both
			at++
		}
	}
	if at >= len(payload) {
		return v, false
	}
	// S and partition 0: the frame header follows. Its lowest bit is 0 in a key frame.
	if first&0x10 != 0 && first&0x0f == 0 && payload[at]&1 == 0 {
		v.KeyFrame = true
		v.Width, v.Height = vp8Size(payload[at:])
	}
	return v, true
}

// vp8Size reads the picture size behind the start code of a key frame (RFC 6386 section 9.1).
func vp8Size(frame []byte) (width, height int) {
	if len(frame) < 10 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
		return 0, 0
	}
	return int(binary.LittleEndian.Uint16(frame[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(frame[8:]) & 0x3fff)
}

// Patch writes a picture id and a TL0PICIDX into the payload that v was parsed from (or a copy of it),
// in the width that the sender uses. Fields that the descriptor does not have are left out.
func (v *VP8) Patch(payload []byte, pictureID uint16, tl0 uint8) {
	if v.HasPictureID {
		if v.longID {
			binary.BigEndian.PutUint16(payload[v.pictureIDAt:], pictureID|0x8000)
		} else {
			payload[v.pictureIDAt] = uint8(pictureID & 0x7f)
		}
	}
	if v.HasTL0 {
		payload[v.tl0At] = tl0
	}
}

// VP8Map keeps picture ids and TL0PICIDX continuous when another source takes over. RFC 7741 section
// 4.2 lets a decoder find losses by them, so a jump would look like one. It counts in 15 bits, as every browser does; behind a sender of 7-bit ids
// the join may be seen as a loss, which its key frame heals. The zero value changes nothing.
type VP8Map struct {
	idOffset  uint16 // modulo 2^15
	tl0Offset uint8

	lastID  uint16
	lastTL0 uint8
	started bool
}

// Start lets the ids continue with v, the first packet of a source.
func (m *VP8Map) Start(v *VP8) {
	if !m.started {
		m.started = true
		m.lastID, m.lastTL0 = v.PictureID, v.TL0PicIdx
		return
	}
	m.idOffset = m.lastID + 1 - v.PictureID
	m.tl0Offset = m.lastTL0 + 1 - v.TL0PicIdx
}

// Map returns the ids that v has for the receiver.
func (m *VP8Map) Map(v *VP8) (pictureID uint16, tl0 uint8) {
	pictureID = (v.PictureID + m.idOffset) & 0x7fff
	tl0 = v.TL0PicIdx + m.tl0Offset
	if v.HasPictureID && int16((pictureID-m.lastID)<<1) > 0 {
		m.lastID = pictureID
	}
	if v.HasTL0 && int8(tl0-m.lastTL0) > 0 {
		m.lastTL0 = tl0
	}
	return pictureID, tl0
}

// Unchanged tells whether Map returns what it is given, so that a payload needs no patch.
func (m *VP8Map) Unchanged() bool { return m.idOffset&0x7fff == 0 && m.tl0Offset == 0 }
