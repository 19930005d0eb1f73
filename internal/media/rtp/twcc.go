package rtp

import "encoding/binary"

const (
	twccWindow    = 512     // packets remembered
	maxStatuses   = 400     // in one feedback packet, which keeps it under 1000 bytes
	deltaUnit     = 250_000 // ns, unit of a receive delta
	referenceUnit = 64_000_000
	maxRun        = 1<<13 - 1
)

// Status symbols (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.1).
const (
	notReceived = iota
	smallDelta
	largeDelta
)

type arrival struct {
	ext, at int64
	seen    bool
}

// TWCC records when packets with a transport-wide sequence number arrive and writes the feedback that a
// sender's bandwidth estimator wants (draft-holmer-rmcat-transport-wide-cc-extensions-01). The zero
// value is ready; it takes memory with the first packet.
type TWCC struct {
	ring  []arrival
	seq   Unwrapper
	base  int64 // first number that the next feedback speaks of
	count uint8 // feedback packets so far
}

// Record notes a packet and returns how many before it have not come: those between it and the newest one so far. A
// second arrival of a number is ignored.
func (t *TWCC) Record(seq uint16, at int64) (skipped int64) {
	if t.ring == nil {
		t.ring = make([]arrival, twccWindow)
	}
	ext := t.seq.Peek(seq)
	switch {
	case !t.seq.Started():
		t.base = ext
	case ext > t.seq.Highest()+twccWindow || ext < t.seq.Highest()-8*twccWindow:
		// A jump: the sender began anew. What lies between was never sent.
		ext = t.seq.Restart(seq)
		t.base = ext
	case ext <= t.seq.Highest()-twccWindow:
		return 0
	case ext > t.seq.Highest():
		skipped = ext - t.seq.Highest() - 1
	}
	slot := &t.ring[ext&(twccWindow-1)]
	if slot.seen && slot.ext == ext {
		return 0
	}
	*slot = arrival{ext: ext, at: at, seen: true}
	t.seq.Unwrap(uint16(ext))
	t.base = max(min(t.base, ext), t.seq.Highest()-twccWindow+1)
	return skipped
}

// Pending tells whether there is something to report.
func (t *TWCC) Pending() bool { return t.seq.Started() && t.base <= t.seq.Highest() }

// AppendFeedback appends one feedback packet about what came since the last one. When there is too much
// for one packet Pending stays true. When there are only losses to speak of dst is returned as it is: they
// cannot be dated, and what follows them tells as much.
func (t *TWCC) AppendFeedback(dst []byte, sender, media uint32) []byte {
	var symbols [maxStatuses]uint8
	var deltas [2 * maxStatuses]byte
	n, size := 0, 0
	reference, previous := int64(-1), int64(0)
	for ext := t.base; ext <= t.seq.Highest() && n < maxStatuses; ext++ {
		slot := &t.ring[ext&(twccWindow-1)]
		if !slot.seen || slot.ext != ext {
			n++
			continue
		}
		tick := slot.at / deltaUnit
		if reference < 0 {
			reference = slot.at / referenceUnit
			previous = reference * (referenceUnit / deltaUnit)
		}
		delta := tick - previous
		if delta != int64(int16(delta)) {
			break // does not fit: the next packet gets its own reference time
		}
		if delta == int64(uint8(delta)) {
			symbols[n] = smallDelta
			deltas[size] = uint8(delta)
			size++
		} else {
			symbols[n] = largeDelta
			binary.BigEndian.PutUint16(deltas[size:], uint16(delta))
			size += 2
		}
		previous = tick
		n++
	}
	if n == 0 || reference < 0 {
		t.base += int64(n)
		return dst
	}

	start := len(dst)
	dst = append(dst, 2<<6|15, 205, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, sender)
	dst = binary.BigEndian.AppendUint32(dst, media)
	dst = binary.BigEndian.AppendUint16(dst, uint16(t.base))
	dst = binary.BigEndian.AppendUint16(dst, uint16(n))
	dst = binary.BigEndian.AppendUint32(dst, uint32(reference)<<8|uint32(t.count))
	dst = appendChunks(dst, symbols[:n])
	dst = append(dst, deltas[:size]...)
	if pad := -(len(dst) - start) & 3; pad > 0 {
		dst[start] |= 1 << 5
		for range pad - 1 {
			dst = append(dst, 0)
		}
		dst = append(dst, uint8(pad))
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16((len(dst)-start)/4-1))
	t.base += int64(n)
	t.count++
	return dst
}

// appendChunks writes the packet status chunks (section 3.1.3 and 3.1.4): runs where they are longer
// than the seven symbols that a status vector holds.
func appendChunks(dst []byte, symbols []uint8) []byte {
	for len(symbols) > 0 {
		run := 1
		for run < len(symbols) && run < maxRun && symbols[run] == symbols[0] {
			run++
		}
		if run >= 7 || run == len(symbols) {
			dst = binary.BigEndian.AppendUint16(dst, uint16(symbols[0])<<13|uint16(run))
			symbols = symbols[run:]
			continue
		}
		chunk := uint16(3 << 14)
		n := min(7, len(symbols))
		for i, s := range symbols[:n] {
			chunk |= uint16(s) << (12 - 2*i)
		}
		dst = binary.BigEndian.AppendUint16(dst, chunk)
		symbols = symbols[n:]
	}
	return dst
}
