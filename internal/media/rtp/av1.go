package rtp

// AV1 is what a forwarder needs to know of an AV1 RTP payload (the AV1 RTP specification, section 4).
type AV1 struct {
	// KeyFrame is true on the first packet of a coded video sequence.
	KeyFrame bool
	// Size from the sequence header; zero if there is none.
	Size Size
}

// OBU types (AV1 bitstream specification, section 6.2.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
)

// ParseAV1 reads the aggregation header, and the sequence header at the beginning of a sequence. It is
// false when the payload is no AV1.
func ParseAV1(payload []byte) (a AV1, ok bool) {
	if len(payload) < 2 {
		return a, false
	}
	head, rest := payload[0], payload[1:]
	continued, count := head&0x80 != 0, int(head>>4&3)
	a.KeyFrame = head&0x08 != 0 && !continued // N: a new sequence, which cannot begin within an OBU
	if !a.KeyFrame {
		return a, true
	}
	for i := 1; len(rest) > 0; i++ {
		obu := rest
		if i != count { // only the last of a known number of OBUs has no length
			n, size := leb128(rest)
			if size == 0 || n > uint64(len(rest)-size) {
				return a, true
			}
			obu, rest = rest[size:size+int(n)], rest[size+int(n):]
		} else {
			rest = nil
		}
		if kind, body := obuBody(obu); kind == obuSequenceHeader {
			a.Size = sequenceSize(body)
			return a, true
		} else if kind != obuTemporalDelimiter {
			return a, true
		}
	}
	return a, true
}

// leb128 reads a number of at most 8 bytes (section 4.10.5); size is 0 if there is none.
func leb128(data []byte) (v uint64, size int) {
	for i := range min(len(data), 8) {
		v |= uint64(data[i]&0x7f) << (7 * i)
		if data[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, 0
}

// obuBody takes the header off an OBU (section 5.3).
func obuBody(obu []byte) (kind uint8, body []byte) {
	if len(obu) == 0 {
		return 0, nil
	}
	head, body := obu[0], obu[1:]
	if head&0x04 != 0 { // extension
		body = body[min(1, len(body)):]
	}
	if head&0x02 != 0 { // has a size
		_, n := leb128(body)
		body = body[n:]
	}
	return head >> 3 & 15, body
}

// sequenceSize reads the largest size of the pictures from a sequence header (section 5.5.1).
func sequenceSize(body []byte) Size {
	b := bitString{data: body}
	b.bits(4) // seq_profile, still_picture
	if b.flag() {
		b.bits(5) // reduced_still_picture_header: the level only
	} else {
		skipOperatingPoints(&b)
	}
	wide, high := int(b.bits(4))+1, int(b.bits(4))+1
	w, h := b.bits(wide)+1, b.bits(high)+1
	if b.failed || w > 0xffff || h > 0xffff {
		return Size{}
	}
	return Size{uint16(w), uint16(h)}
}

func skipOperatingPoints(b *bitString) {
	delayBits := 0
	if b.flag() { // timing_info_present_flag
		b.bits(32)
		b.bits(32)
		if b.flag() {
			skipUVLC(b)
		}
		if b.flag() { // decoder_model_info_present_flag
			delayBits = int(b.bits(5)) + 1
			b.bits(32)
			b.bits(10)
		}
	}
	displayDelay := b.flag()
	for range b.bits(5) + 1 {
		b.bits(12)
		if b.bits(5) > 7 {
			b.bits(1) // seq_tier
		}
		if delayBits > 0 && b.flag() {
			b.bits(delayBits)
			b.bits(delayBits)
			b.bits(1)
		}
		if displayDelay && b.flag() {
			b.bits(4)
		}
	}
}

// skipUVLC skips a number in variable length (section 4.10.3).
func skipUVLC(b *bitString) {
	zeros := 0
	for !b.flag() && !b.failed {
		zeros++
	}
	if zeros < 32 {
		b.bits(zeros)
	}
}
