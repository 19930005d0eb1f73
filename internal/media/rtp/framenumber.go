package rtp

// FrameNumberMap keeps the frame numbers of dependency descriptors continuous when another source takes
// over. Frames refer to each other by the distance of their numbers, so that frames that are left out keep
// theirs. The zero value starts at the first source's own numbers.
type FrameNumberMap struct {
	offset, last uint16
	started      bool
}

// Start lets the numbers continue with number, the first one of a source.
func (m *FrameNumberMap) Start(number uint16) {
	if !m.started {
		m.started, m.last = true, number-1
	}
	m.offset = m.last + 1 - number
}

// Map returns the number for the receiver.
func (m *FrameNumberMap) Map(number uint16) uint16 {
	out := number + m.offset
	if int16(out-m.last) > 0 {
		m.last = out
	}
	return out
}

// FrameHistory remembers which of the last 64 frames a receiver has been sent.
type FrameHistory struct {
	highest uint16
	sent    uint64 // bit n: frame highest-n
}

// Reset forgets everything before a key frame.
func (h *FrameHistory) Reset(number uint16) { *h = FrameHistory{highest: number} }

// Add notes that a frame is sent.
func (h *FrameHistory) Add(number uint16) {
	step := int(int16(number - h.highest))
	switch {
	case step > 0:
		h.sent = h.sent<<step | 1
		h.highest = number
	case step > -64:
		h.sent |= 1 << -step
	}
}

// Decodable tells whether the receiver has all frames that d refers to.
func (h *FrameHistory) Decodable(d *Dependency) bool {
	if d.refs.far {
		return false
	}
	step := int(int16(d.FrameNumber - h.highest))
	sent := h.sent // aligned so that bit n means d.FrameNumber-1-n
	if step > 0 {
		sent <<= step - 1
	} else {
		sent >>= 1 - step
	}
	return d.refs.near&^sent == 0
}
