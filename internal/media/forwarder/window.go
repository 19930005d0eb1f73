package forwarder

// Bounds of what is counted apart; layers above share the counters of the highest.
const (
	countedSpatial  = 4
	countedTemporal = 4
)

// peakFading is the share of a peak that is left after a second, in percent.
const peakFading = 80

// Stats describes a received stream, as of the last second.
type Stats struct {
	BitrateBps    uint64  // of the payloads
	FrameRate     float64 // pictures per second
	Width, Height int     // pixels, of the last key frame; 0 = not known
	LastPacket    int64   // arrival of the last packet, ns; 0 = none yet

	// Layers is what a receiver can be sent, ordered by spatial, then temporal layer. A stream without
	// layers has one; a stream that sends nothing has none.
	Layers []LayerStats
}

// LayerStats describes a layer together with all layers that it needs: those of lower or equal index in
// both dimensions.
type LayerStats struct {
	Spatial, Temporal uint8
	BitrateBps        uint64
	PeakBps           uint64 // of the last seconds, fading: what it may soon take again
	FrameRate         float64
	Width, Height     int // 0 = not known
}

// window counts what a stream carries in about a second.
type window struct {
	since         int64
	started       bool
	bytes, frames [countedSpatial][countedTemporal]int64
	peaks         [countedSpatial][countedTemporal]uint64
	newest        [countedSpatial]uint32 // timestamp of the last frame that was counted
	sizes         [countedSpatial]struct{ width, height int }
}

func (w *window) packet(p *packet) {
	s, t := min(p.layer.spatial, countedSpatial-1), min(p.layer.temporal, countedTemporal-1)
	w.bytes[s][t] += int64(len(p.payload))
	if !w.started {
		for i := range w.newest {
			w.newest[i] = p.timestamp - 1
		}
		w.started = true
	}
	if int32(p.timestamp-w.newest[s]) > 0 {
		w.frames[s][t]++
		w.newest[s] = p.timestamp
	}
}

// size notes the picture size of a spatial layer, if there is one.
func (w *window) size(spatial, width, height int) {
	if width > 0 && height > 0 && spatial < countedSpatial {
		w.sizes[spatial].width, w.sizes[spatial].height = width, height
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
	s.Layers = w.layers(second / float64(length))
	s.Width, s.Height = w.sizes[0].width, w.sizes[0].height
	for _, l := range s.Layers {
		s.BitrateBps = max(s.BitrateBps, l.BitrateBps)
		s.FrameRate = max(s.FrameRate, l.FrameRate)
		s.Width, s.Height = max(s.Width, l.Width), max(s.Height, l.Height)
	}
	w.since = now
	w.bytes, w.frames = [countedSpatial][countedTemporal]int64{}, [countedSpatial][countedTemporal]int64{}
	return s, true
}

// layers adds up what each layer needs. perSecond turns counts of the window into rates.
func (w *window) layers(perSecond float64) (list []LayerStats) {
	for s := range countedSpatial {
		var frames int64
		for t := range countedTemporal {
			frames += w.frames[s][t]
			if w.frames[s][t] == 0 {
				continue
			}
			var bytes int64
			for i := range s + 1 {
				for j := range t + 1 {
					bytes += w.bytes[i][j]
				}
			}
			bps := uint64(float64(bytes*8) * perSecond)
			w.peaks[s][t] = max(bps, w.peaks[s][t]*peakFading/100)
			list = append(list, LayerStats{
				Spatial: uint8(s), Temporal: uint8(t),
				BitrateBps: bps, PeakBps: w.peaks[s][t], FrameRate: float64(frames) * perSecond,
				Width: w.sizes[s].width, Height: w.sizes[s].height,
			})
		}
	}
	return list
}
