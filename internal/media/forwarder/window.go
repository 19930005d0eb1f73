package forwarder

// window counts what a stream carries in about a second.
type window struct {
	since         int64
	bytes, frames int64
	lastTimestamp uint32
	started       bool
	width, height int
}

func (w *window) packet(p *packet) {
	w.bytes += int64(len(p.payload))
	if !w.started || int32(p.timestamp-w.lastTimestamp) > 0 {
		w.frames++
		w.lastTimestamp, w.started = p.timestamp, true
	}
}

// size notes a picture size, if there is one.
func (w *window) size(width, height int) {
	if width > 0 && height > 0 {
		w.width, w.height = width, height
	}
}

// close ends the window when it is a second old.
func (w *window) close(now int64) (s Stats, ok bool) {
	const second = 1_000_000_000
	if w.since == 0 {
		w.since = now
		return s, false
	}
	length := now - w.since
	if length < second {
		return s, false
	}
	s = Stats{
		BitrateBps: uint64(w.bytes * 8 * second / length),
		FrameRate:  float64(w.frames) * second / float64(length),
		Width:      w.width,
		Height:     w.height,
	}
	w.since, w.bytes, w.frames = now, 0, 0
	return s, true
}
