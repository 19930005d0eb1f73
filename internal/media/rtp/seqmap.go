package rtp

// maxIntervals bounds how many runs of removed packets a SequenceMap remembers: two seconds of a stream
// of which every other frame is left out. Packets older than the oldest interval are no longer mapped.
const maxIntervals = 64

// interval says: from this input number on, output = input - offset.
type interval struct{ from, offset int64 }

// SequenceMap maps the extended sequence numbers of a source to the ones that a receiver sees. The
// output stays gapless when packets are left out on purpose (Skip) and when another source takes over
// (Start), while real losses stay visible as gaps. The zero value maps nothing until Start.
type SequenceMap struct {
	head, n   int
	highest   int64                  // input
	next      int64                  // output number after the highest one
	intervals [maxIntervals]interval // ring; [head] is the newest, and mostly the only one: behind what it is used with
}

// Start lets the output continue with input number in. Everything before it is forgotten and not mapped.
func (m *SequenceMap) Start(in int64) {
	m.head, m.n = 0, 1
	m.intervals[0] = interval{from: in, offset: in - m.next}
	m.highest = in - 1
}

// Seed sets the first output number; it is used once, before the first Start.
func (m *SequenceMap) Seed(out uint16) { m.next = int64(out) }

// Stop maps nothing until the next Start; the output numbering is kept.
func (m *SequenceMap) Stop() { m.n = 0 }

// Map returns the output number of an input packet. It is false for packets from before Start or too
// old to be known.
func (m *SequenceMap) Map(in int64) (out uint16, ok bool) {
	iv, ok := m.find(in)
	if !ok {
		return 0, false
	}
	if in > m.highest {
		m.highest = in
		m.next = in - iv.offset + 1
	}
	return uint16(in - iv.offset), true
}

// Skip leaves an input packet out. When it is the newest one the gap is closed and Skip returns true.
// A late one already has a place in the output: false, and the caller should fill that place.
func (m *SequenceMap) Skip(in int64) bool {
	if m.n == 0 || in <= m.highest {
		return false
	}
	offset := m.intervals[m.head].offset + 1
	// A run of removed packets takes one interval.
	if m.intervals[m.head].from != in || m.n == 1 {
		m.head = (m.head + 1) % maxIntervals
		m.n = min(m.n+1, maxIntervals)
	}
	m.intervals[m.head] = interval{from: in + 1, offset: offset}
	m.highest = in
	m.next = in + 1 - offset
	return true
}

// Reverse returns the input number of an output number that has been handed out.
func (m *SequenceMap) Reverse(out uint16) (in int64, ok bool) {
	if m.n == 0 {
		return 0, false
	}
	ext := m.next - 1 + int64(int16(out-uint16(m.next-1)))
	if ext >= m.next {
		return 0, false
	}
	for i := range m.n {
		iv := m.intervals[(m.head-i+maxIntervals)%maxIntervals]
		if in = ext + iv.offset; in >= iv.from {
			return in, true
		}
	}
	return 0, false
}

// Highest returns the highest input number that was mapped or skipped since Start.
func (m *SequenceMap) Highest() int64 { return m.highest }

func (m *SequenceMap) find(in int64) (interval, bool) {
	for i := range m.n {
		if iv := m.intervals[(m.head-i+maxIntervals)%maxIntervals]; in >= iv.from {
			return iv, true
		}
	}
	return interval{}, false
}

// offset is that of the newest run.
func (m *SequenceMap) offset() int64 { return m.intervals[m.head].offset }
