package rtp

// PictureMap keeps the picture ids and TL0PICIDX of VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section
// 4.2) continuous for a receiver. Decoders find lost pictures by them, so neither a change of source nor,
// with VP8, a picture that is left out on purpose may show as a jump. Pictures of VP9 refer to each other
// by the distance of their ids: there nothing may be skipped. The zero value is ready for Start.
type PictureMap struct {
	highest int64 // extended input id
	width   int   // bits of the source's ids, 7 or 15

	tl0Offset, lastTL0 uint8
	started            bool

	ids SequenceMap
}

// Picture is what a payload descriptor says about its picture.
type Picture struct {
	ID         uint16
	TL0        uint8
	HasID      bool
	HasTL0     bool
	LongID     bool // the id has 15 bits, else 7
	BeginOfKey bool // first packet of a key frame
}

// Picture returns the ids of v.
func (v *VP8) Picture() Picture {
	return Picture{v.PictureID, v.TL0PicIdx, v.HasPictureID, v.HasTL0, v.longID, v.KeyFrame}
}

// Picture returns the ids of v.
func (v *VP9) Picture() Picture {
	return Picture{v.PictureID, v.TL0PicIdx, v.HasPictureID, v.HasTL0, v.longID, v.KeyFrame}
}

// maxPictureJump is how far the ids of a source may jump before they count as begun anew.
const maxPictureJump = 1 << 10

// Start lets the ids continue with p, the first picture of a source.
func (m *PictureMap) Start(p Picture) {
	if !m.started {
		m.started = true
		m.ids.Seed(p.ID)
		m.lastTL0 = p.TL0 - 1
	}
	m.tl0Offset = m.lastTL0 + 1 - p.TL0
	m.restart(p)
}

func (m *PictureMap) restart(p Picture) {
	m.width = 7
	if p.LongID {
		m.width = 15
	}
	m.highest = int64(p.ID)
	m.ids.Start(m.highest)
}

// Map returns the ids that p has for the receiver.
func (m *PictureMap) Map(p Picture) (id uint16, tl0 uint8) {
	tl0 = p.TL0 + m.tl0Offset
	if p.HasTL0 && int8(tl0-m.lastTL0) > 0 {
		m.lastTL0 = tl0
	}
	if !p.HasID {
		return 0, tl0
	}
	in := m.extend(p)
	id, ok := m.ids.Map(in)
	if !ok { // from before all that is known
		id = uint16(in - m.ids.offset())
	}
	return id & 0x7fff, tl0
}

// Peek returns the ids that Map gave to a picture that is not newer than all others, and changes nothing. It is false
// when they are not known any more.
func (m *PictureMap) Peek(p Picture) (id uint16, tl0 uint8, ok bool) {
	tl0 = p.TL0 + m.tl0Offset
	if !p.HasID {
		return 0, tl0, true
	}
	in := m.highest + m.step(p)
	iv, found := m.ids.find(in)
	return uint16(in-iv.offset) & 0x7fff, tl0, found && in <= m.highest && p.LongID == (m.width == 15)
}

// Skip leaves a picture out and closes the gap, if it is newer than all before. It does nothing when it is
// called again for the same picture.
func (m *PictureMap) Skip(p Picture) {
	if p.HasID {
		m.ids.Skip(m.extend(p))
	}
}

// step is how far an id is from the highest one, the nearest way round.
func (m *PictureMap) step(p Picture) int64 {
	shift := 64 - m.width
	return (int64(p.ID) - m.highest) << shift >> shift
}

// extend makes an id unique. A source whose ids jump at a key frame has begun anew.
func (m *PictureMap) extend(p Picture) int64 {
	step := m.step(p)
	if p.BeginOfKey && (step < -maxPictureJump || step > maxPictureJump) || p.LongID != (m.width == 15) {
		m.restart(p)
		return m.highest
	}
	if step > 0 {
		m.highest += step
		return m.highest
	}
	return m.highest + step
}
