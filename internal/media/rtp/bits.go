package rtp

import "math/bits"

// bitString reads bits, most significant first. After the end it returns zeros and failed is set.
type bitString struct {
	data   []byte
	at     int // in bits
	failed bool
}

// bits reads up to 32 bits as one number.
func (b *bitString) bits(n int) (v uint32) {
	if b.at+n > len(b.data)*8 {
		b.failed = true
		return 0
	}
	for ; n > 0; n-- {
		v = v<<1 | uint32(b.data[b.at>>3]>>(7-b.at&7))&1
		b.at++
	}
	return v
}

func (b *bitString) flag() bool { return b.bits(1) == 1 }

// nonSymmetric reads a number below n that takes as few bits as it can: ns(n) of the AV1 specification,
// section 4.10.7.
func (b *bitString) nonSymmetric(n uint32) uint32 {
	w := bits.Len32(n)
	m := uint32(1)<<w - n
	v := b.bits(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + b.bits(1)
}
