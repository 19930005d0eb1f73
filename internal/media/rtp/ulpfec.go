package rtp

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"

	"github.com/pion/rtp"
)

// Bounds of what is kept to restore packets from.
const (
	fecWindow  = 128  // packets; a parity packet covers at most 48, and comes right behind them
	maxParity  = 16   // parity packets that wait for more of what they cover
	fecMTU     = 1500 // of a packet that can be restored
	headerSize = 12   // of RTP, without anything optional
)

// ParityPacket is the payload of a packet of forward error correction (ULPFEC, RFC 5109 section 7): the exclusive or of
// the packets that it covers. Only its first level is read, which covers whole packets; browsers send no other.
type ParityPacket struct {
	Base     uint16 // sequence number of the first packet that it may cover
	mask     uint64 // bit i: covers Base+i
	recovery []byte // the first 10 bytes: of the header of the packets
	body     []byte // of all that follows their first 12 bytes
}

// ParseParity reads a payload. It is false for one that is broken or covers nothing.
func ParseParity(payload []byte) (p ParityPacket, ok bool) {
	const (
		fecHeader   = 10
		levelHeader = 4
		longMask    = 4 // bytes more
	)
	if len(payload) < fecHeader+levelHeader || payload[0]&0x80 != 0 {
		return p, false
	}
	p.Base = binary.BigEndian.Uint16(payload[2:])
	p.recovery = payload[:fecHeader]
	level := payload[fecHeader:]
	length := int(binary.BigEndian.Uint16(level))
	mask := uint64(binary.BigEndian.Uint16(level[2:])) << 48
	rest := level[levelHeader:]
	if payload[0]&0x40 != 0 { // L: the mask has 48 bits
		if len(rest) < longMask {
			return p, false
		}
		mask |= uint64(binary.BigEndian.Uint32(rest)) << 16
		rest = rest[longMask:]
	}
	if length > len(rest) || mask == 0 {
		return p, false
	}
	p.mask, p.body = bits.Reverse64(mask), rest[:length]
	return p, true
}

// ParityWindow keeps the newest packets of a stream, and restores lost ones from those and from parity packets. A
// parity packet restores one packet when all others that it covers have come. The zero value is empty. Keeping allocates
// only until the window is full.
//
// Whole packets are covered, header extensions included, as they were sent the first time. So what came as a
// retransmission, with other extensions, must not be kept; and of a restored packet those extensions that change on
// the way to the network, such as the transport-wide number, have no meaning.
type ParityWindow struct {
	packets [fecWindow]keptPacket // by extended sequence number
	parity  [maxParity]keptParity
	oldest  int // of parity: the next to be overwritten
	waiting int // how many of parity are in use
	buf     [headerSize + fecMTU]byte
	header  rtp.Header
}

type keptPacket struct {
	ext int64
	raw []byte // as it was sent; empty = nothing kept
}

type keptParity struct {
	base int64
	mask uint64 // 0 = not in use
	raw  [10]byte
	body []byte
}

// Keep copies a packet, whose payload type in h is that of the media. One that had padding, as its PaddingSize says, is
// not as it was sent any more, and nothing is restored by it.
func (w *ParityWindow) Keep(ext int64, h *rtp.Header, payload []byte) {
	slot := &w.packets[ext&(fecWindow-1)]
	slot.ext, slot.raw = ext, slot.raw[:0]
	size := h.MarshalSize() + len(payload)
	if h.PaddingSize > 0 || size > fecMTU {
		return
	}
	if cap(slot.raw) < size {
		slot.raw = make([]byte, 0, fecMTU)
	}
	n, err := h.MarshalTo(slot.raw[:size])
	if err != nil {
		return
	}
	slot.raw = append(slot.raw[:n], payload...)
}

// Add copies a parity packet; base is its Base, extended.
func (w *ParityWindow) Add(base int64, p ParityPacket) {
	slot := &w.parity[w.oldest]
	w.oldest = (w.oldest + 1) % maxParity
	if slot.mask == 0 {
		w.waiting++
	}
	slot.base, slot.mask = base, p.mask
	copy(slot.raw[:], p.recovery)
	slot.body = append(slot.body[:0], p.body...)
}

// Waiting tells whether there are parity packets that may restore something.
func (w *ParityWindow) Waiting() bool { return w.waiting > 0 }

// Restore returns a packet that has become restorable, and is false when there is none. The header and the payload are
// valid until the next call. The packet counts as kept.
func (w *ParityWindow) Restore() (ext int64, h *rtp.Header, payload []byte, ok bool) {
	if w.waiting == 0 {
		return 0, nil, nil, false
	}
	for i := range w.parity {
		p := &w.parity[i]
		missing, n := w.missing(p)
		if p.mask == 0 || n > 1 {
			continue
		}
		if n == 1 {
			h, payload, ok = w.restore(p, missing)
		}
		p.mask = 0
		w.waiting--
		if ok {
			w.Keep(missing, h, payload)
			return missing, h, payload, true
		}
	}
	return 0, nil, nil, false
}

// missing finds a packet that p covers and that is not kept, and how many there are: two stands for more.
func (w *ParityWindow) missing(p *keptParity) (ext int64, n int) {
	for mask := p.mask; mask != 0 && n < 2; mask &= mask - 1 {
		at := p.base + int64(bits.TrailingZeros64(mask))
		if slot := &w.packets[at&(fecWindow-1)]; slot.ext != at || len(slot.raw) == 0 {
			ext = at
			n++
		}
	}
	return ext, n
}

// restore computes the packet that p covers and that is missing (RFC 5109 section 9).
func (w *ParityWindow) restore(p *keptParity, missing int64) (*rtp.Header, []byte, bool) {
	if len(p.body) > fecMTU {
		return nil, nil, false
	}
	first, second := p.raw[0], p.raw[1]
	timestamp, length := binary.BigEndian.Uint32(p.raw[4:]), binary.BigEndian.Uint16(p.raw[8:])
	body := w.buf[headerSize : headerSize+len(p.body)]
	copy(body, p.body)
	for mask := p.mask; mask != 0; mask &= mask - 1 {
		at := p.base + int64(bits.TrailingZeros64(mask))
		if at == missing {
			continue
		}
		raw := w.packets[at&(fecWindow-1)].raw
		first, second = first^raw[0], second^raw[1]
		timestamp ^= binary.BigEndian.Uint32(raw[4:])
		length ^= uint16(len(raw) - headerSize)
		subtle.XORBytes(body, body, raw[headerSize:])
	}
	if int(length) > len(body) {
		return nil, nil, false
	}
	raw := w.buf[:headerSize+int(length)]
	raw[0], raw[1] = 2<<6|first&0x3f, second
	binary.BigEndian.PutUint16(raw[2:], uint16(missing))
	binary.BigEndian.PutUint32(raw[4:], timestamp)
	n, err := w.header.Unmarshal(raw)
	if err != nil || w.header.Padding {
		return nil, nil, false
	}
	w.header.PaddingSize = 0
	return &w.header, raw[n:], true
}
