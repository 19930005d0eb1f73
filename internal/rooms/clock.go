package rooms

import (
	"time"

	"carillon/internal/media/mixer"
	"carillon/internal/media/transport"
)

const (
	frame = 20 * time.Millisecond // one audio frame, and the period of the clock
	// clockSlot is the distance of the moments at which rooms tick. To wake up costs more than a small room takes, so many
	// share one; not all of them, for video would have to wait for the work of so many rooms.
	clockSlot      = 5 * time.Millisecond
	volumeEvery    = 10  // frames between volume frames: 200 ms
	signalsEvery   = 100 // frames between looks at the connections: 2 s
	bitratesEvery  = 150 // frames between bitrate frames: 3 s
	indexEvery     = 5   // frames over which index changes are gathered: 100 ms
	keyFramesEvery = 500 // frames between the key frames of shared screens: 10 s
	maxCatchUp     = 10  // frames made up for after the process was held up
	quietVolumes   = 3   // volume frames that repeat "nobody talks" before they stop
	silentFromDBov = 90  // RFC 6464 levels at or above this count as silence
)

// run is the clock of the room: it mixes one audio frame every 20 ms and runs the periodic work of
// the media connections. It ends when stop is closed.
func (r *Room) run() {
	if !r.awaitSlot() {
		return
	}
	ticker := time.NewTicker(frame)
	defer ticker.Stop()
	start := time.Now()
	var done, steps int64 // the steps are those made: none of the periodic work is left out with the frames that are
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
		}
		due := int64(time.Since(start) / frame)
		if due-done > maxCatchUp {
			done = due - maxCatchUp
		}
		for ; done < due; done++ {
			r.step(steps)
			steps++
		}
	}
}

// awaitSlot waits for a moment at which the clocks of other rooms may tick, too; false = the room is over.
func (r *Room) awaitSlot() bool {
	now := time.Duration(transport.Now())
	slot := time.NewTimer(now.Truncate(clockSlot) + clockSlot - now)
	defer slot.Stop()
	select {
	case <-r.stop:
		return false
	case <-slot.C:
		return true
	}
}

// step does the work of one frame. It takes no lock except every few frames for signaling.
func (r *Room) step(n int64) {
	defer r.contain()
	now := r.send()
	if n%indexEvery == 0 {
		r.refreshRoster()
		r.refreshVideo(now)
		r.allocate(now)
	} else {
		r.allocateFallen(now)
	}
	if n%volumeEvery == 0 {
		r.reportVolumes()
	}
	if n%signalsEvery == 0 {
		r.reportSignals()
	}
	if n%bitratesEvery == 0 {
		r.reportBitrates()
	}
	if n%keyFramesEvery == 0 {
		r.refreshScreens()
	}
}

// send mixes a frame, and sends it and the reports that are due. It returns the time.
func (r *Room) send() (now int64) {
	now = transport.Now()
	var b *transport.Batch // borrowed once all is mixed, which takes the longest
	r.mix.Step(func(s *mixer.Sink, f *mixer.Frame) {
		if b == nil {
			b = r.hub.cfg.Transport.BorrowBatch()
		}
		if p, ok := s.Owner().(*Participant); ok {
			p.sendAudio(b, f, now)
		}
	})
	if b == nil {
		b = r.hub.cfg.Transport.BorrowBatch()
	}
	now, wall := transport.Now(), time.Now()
	for _, p := range *r.members.Load() {
		p.tick(b, now, wall)
	}
	b.Flush()
	r.hub.cfg.Transport.ReturnBatch(b)
	return now
}

// refreshScreens asks for key frames of shared screens: a picture that hardly changes would otherwise keep what a
// lossy network made of it for long.
func (r *Room) refreshScreens() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.streams {
		if owner := e.group.owner; owner.content && !owner.member.NoKeyFrames {
			e.track.RequestKeyFrame()
		}
	}
}

// refreshVideo notes which encodings are sent at present, and tells everybody what there is to see if that
// has changed.
func (r *Room) refreshVideo(now int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range *r.members.Load() {
		if p.camera != nil {
			p.camera.refreshLocked(now)
		}
	}
	r.flushIndexLocked()
}

func (r *Room) flushIndexLocked() {
	if !r.indexDirty {
		return
	}
	r.indexDirty = false
	all := r.overviewLocked()
	for _, p := range *r.members.Load() {
		if p.indexSent {
			p.member.Observer.Index(all.index(p))
		}
	}
}

// reportVolumes tells everybody who is talking, and a few more times that nobody is.
func (r *Room) reportVolumes() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var volumes []Volume
	for _, p := range *r.members.Load() {
		if !p.announced || p.muted || p.source == nil {
			continue
		}
		if level := p.source.Level(); level < silentFromDBov {
			volumes = append(volumes, Volume{AudioStreamID: p.audioID, Attenuation: level})
		}
	}
	if len(volumes) == 0 {
		if r.quiet >= quietVolumes {
			return
		}
		r.quiet++
	} else {
		r.quiet = 0
	}
	told := &Shared[[]Volume]{Value: volumes}
	for _, p := range *r.members.Load() {
		if p.rosterSent && !p.content {
			p.member.Observer.Volumes(told)
		}
	}
}

// available is the estimated bandwidth to the participant in bit/s, 0 = not known.
func (p *Participant) available() int64 {
	if m := p.media.Load(); m != nil {
		if bps, reported := m.down.Estimate(); reported {
			return bps
		}
	}
	return 0
}

func (r *Room) reportBitrates() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.streams) == 0 {
		return
	}
	rates := make([]Bitrate, 0, len(r.streams))
	for id, e := range r.streams {
		rates = append(rates, Bitrate{StreamID: id, Bps: uint32(e.track.Stats().BitrateBps)})
	}
	for _, p := range *r.members.Load() {
		if p.rosterSent && !p.content {
			p.member.Observer.Bitrates(rates, p.available())
		}
	}
}
