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

	Discardable bool // N: no other frame refers to it

	Begin    bool  // first packet of a frame
	Temporal uint8 // temporal layer, valid if HasTemporal
	Sync     bool  // Y: the frame refers to the base layer only

	HasTemporal  bool
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
	v.Discardable = first&0x20 != 0
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
			if at >= len(payload) {
				return v, false
			}
			if ext&0x20 != 0 {
				v.HasTemporal, v.Temporal, v.Sync = true, payload[at]>>6, payload[at]&0x20 != 0
			}
			at++
		}
	}
	if at >= len(payload) {
		return v, false
	}
	// S and partition 0: the frame header follows. Its lowest bit is 0 in a key frame.
	v.Begin = first&0x10 != 0 && first&0x0f == 0
	if v.Begin && payload[at]&1 == 0 {
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
	patchPictureID(payload, v.HasPictureID, v.longID, v.pictureIDAt, pictureID)
	if v.HasTL0 {
		payload[v.tl0At] = tl0
	}
}

// patchPictureID writes a picture id, which VP8 and VP9 have in the same form.
func patchPictureID(payload []byte, has, long bool, at uint8, id uint16) {
	switch {
	case !has:
	case long:
		binary.BigEndian.PutUint16(payload[at:], id|0x8000)
	default:
		payload[at] = uint8(id & 0x7f)
	}
}
