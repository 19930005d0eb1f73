package rtp

import "encoding/binary"

// maxSpatialLayers bounds the spatial layers of a stream; no browser sends more than three.
const maxSpatialLayers = 4

// Size is that of a picture, in pixels.
type Size struct{ Width, Height uint16 }

// VP9 is what a forwarder needs to know of a VP9 RTP payload (RFC 9628 section 4.2).
type VP9 struct {
	// KeyFrame is true on the first packet of a picture that refers to none before it.
	KeyFrame bool
	// Sizes of the spatial layers, from the scalability structure or the frame header; zero if not said.
	Sizes [maxSpatialLayers]Size

	PictureID uint16 // valid if HasPictureID
	TL0PicIdx uint8  // valid if HasTL0

	Layered           bool // the indices of the layers are given
	Spatial, Temporal uint8
	Begin, End        bool // of the frame of one spatial layer
	SwitchUp          bool // pictures of higher temporal layers after this one need none before it

	HasPictureID bool
	HasTL0       bool

	longID      bool // 15 bits, else 7
	pictureIDAt uint8
	tl0At       uint8
}

// ParseVP9 reads the payload descriptor, and the frame header where a key frame begins. It is false when
// the payload is no VP9.
func ParseVP9(payload []byte) (v VP9, ok bool) {
	if len(payload) < 2 {
		return v, false
	}
	first, at := payload[0], 1
	predicted := first&0x40 != 0
	v.Begin, v.End = first&0x08 != 0, first&0x04 != 0
	if first&0x80 != 0 { // I: picture id
		if at = v.readPictureID(payload, at); at >= len(payload) {
			return v, false
		}
	}
	if first&0x20 != 0 { // L: layer indices
		b := payload[at]
		v.Layered, v.Temporal, v.SwitchUp, v.Spatial = true, b>>5, b&0x10 != 0, b>>1&7
		at++
		if first&0x10 == 0 { // not flexible: TL0PICIDX
			if at >= len(payload) {
				return v, false
			}
			v.HasTL0, v.tl0At, v.TL0PicIdx = true, uint8(at), payload[at]
			at++
		}
	}
	if first&0x50 == 0x50 { // F and P: at most three reference indices, the last without N
		for more := true; more; at++ {
			if at >= len(payload) {
				return v, false
			}
			more = payload[at]&1 != 0
		}
	}
	if first&0x02 != 0 { // V: scalability structure
		if at = v.readStructure(payload, at); at > len(payload) {
			return v, false
		}
	}
	if at >= len(payload) || v.Spatial >= maxSpatialLayers {
		return v, false
	}
	v.KeyFrame = !predicted && v.Begin && v.Spatial == 0
	if v.KeyFrame && v.Sizes[0] == (Size{}) {
		v.Sizes[0] = vp9Size(payload[at:])
	}
	return v, true
}

func (v *VP9) readPictureID(payload []byte, at int) int {
	v.HasPictureID, v.pictureIDAt = true, uint8(at)
	v.PictureID = uint16(payload[at] & 0x7f)
	if payload[at]&0x80 == 0 {
		return at + 1
	}
	if at+1 < len(payload) {
		v.longID = true
		v.PictureID = v.PictureID<<8 | uint16(payload[at+1])
	}
	return at + 2
}

// readStructure reads the scalability structure (section 4.2.1). It returns where it ends, beyond the
// payload if that is cut short.
func (v *VP9) readStructure(payload []byte, at int) int {
	if at >= len(payload) {
		return at + 1
	}
	head := payload[at]
	at++
	if head&0x10 != 0 { // Y: sizes
		for i := range int(head>>5) + 1 {
			if at+4 > len(payload) {
				return len(payload) + 1
			}
			if i < maxSpatialLayers {
				v.Sizes[i] = Size{binary.BigEndian.Uint16(payload[at:]), binary.BigEndian.Uint16(payload[at+2:])}
			}
			at += 4
		}
	}
	if head&0x08 == 0 { // G: description of the group of pictures
		return at
	}
	if at >= len(payload) {
		return at + 1
	}
	pictures := int(payload[at])
	at++
	for range pictures {
		if at >= len(payload) {
			return at + 1
		}
		at += 1 + int(payload[at]>>2&3)
	}
	return at
}

// vp9Size reads the size from the uncompressed header of a key frame of profile 0 (VP9 bitstream
// specification, section 6.2).
func vp9Size(frame []byte) Size {
	b := bitString{data: frame}
	if b.bits(2) != 2 || b.bits(2) != 0 || b.flag() || b.flag() { // marker, profile, show existing, not a key frame
		return Size{}
	}
	b.bits(2) // show_frame, error_resilient_mode
	if b.bits(24) != 0x498342 {
		return Size{}
	}
	const srgb = 7
	if b.bits(3) == srgb { // not in profile 0
		return Size{}
	}
	b.bits(1)
	w, h := b.bits(16)+1, b.bits(16)+1
	if b.failed || w > 0xffff || h > 0xffff {
		return Size{}
	}
	return Size{uint16(w), uint16(h)}
}

// Patch writes a picture id and a TL0PICIDX into the payload that v was parsed from (or a copy of it), in
// the width that the sender uses.
func (v *VP9) Patch(payload []byte, pictureID uint16, tl0 uint8) {
	patchPictureID(payload, v.HasPictureID, v.longID, v.pictureIDAt, pictureID)
	if v.HasTL0 {
		payload[v.tl0At] = tl0
	}
}
