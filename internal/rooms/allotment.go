package rooms

import (
	"carillon/internal/media/bwe"
	"carillon/internal/media/forwarder"
)

// choice is a part of a group that can be sent.
type choice struct {
	encoding          *encoding // nil = none yet
	spatial, temporal uint8     // highest layers
}

// allLayers is a bound that leaves everything in.
const allLayers = 255

// allotment is the scratch memory of the allocation for one receiver.
type allotment struct {
	alloc    bwe.Allocator
	videos   []bwe.Video
	received []*receivedVideo
	layers   []bwe.Layer
	choices  []choice // for each of layers
	peaks    []int64  // for each of layers, bit/s
	starts   []int    // of each video's layers
}

// pauseAfter is how long a video is sent at least, in ns: a client that is told of a pause before the answer to its
// subscription loses it.
const pauseAfter = 500_000_000

// shortFor is how long a video does not fit before it is paused, in ns: an estimate that dips for a moment, as when a
// machine or a wireless network holds packets back, costs frames but not the picture.
const shortFor = 2_000_000_000

// allocateLocked chooses what a participant is sent. It says which groups have been paused by it, and which go on.
func (a *allotment) allocateLocked(p *Participant, m *media, at int64) (paused, resumed []uint32) {
	a.prepareLocked(p)
	if len(a.received) == 0 {
		m.down.SetDemand(bwe.Plan{})
		return nil, nil
	}
	now, sure := m.down.Budget()
	plan := a.alloc.Allocate(now, sure, a.videos)
	m.down.SetDemand(a.growLocked(plan))
	if p.adaptation() == AdaptNone {
		return nil, nil
	}
	for i, v := range a.received {
		if v.userPaused || len(a.videos[i].Layers) == 0 {
			continue
		}
		layer := plan.Choices[i]
		if p.adaptation() == AdaptAll && v.mayPause(layer == bwe.Paused, at) {
			if !v.serverPaused {
				paused = append(paused, v.wanted.group.id)
				v.pause(v.userPaused, true)
				p.log.Debug("video paused", "group", v.wanted.group.id, "budget", now)
			}
			continue
		}
		if v.serverPaused {
			resumed = append(resumed, v.wanted.group.id)
			v.pause(v.userPaused, false)
			p.log.Debug("video resumed", "group", v.wanted.group.id, "budget", sure)
		}
		if layer == bwe.Paused {
			layer = cheapest(a.videos[i].Layers)
		}
		if c := a.choices[a.starts[i]+layer]; c != v.choice {
			p.log.Debug("layer chosen", "stream", c.encoding.streamID, "spatial", c.spatial, "temporal", c.temporal,
				"bitrate", a.videos[i].Layers[layer].Bitrate, "budget", now, "lately", sure)
			v.choose(c)
		}
	}
	return paused, resumed
}

// mayPause notes whether a video fits, and tells whether it has not for long enough to be paused.
func (v *receivedVideo) mayPause(short bool, at int64) bool {
	if !short {
		v.fitted = at
	}
	return short && at-v.since >= pauseAfter && (v.serverPaused || at-v.fitted >= shortFor)
}

// prepareLocked lists the videos of a participant with all layers that they may be sent with.
func (a *allotment) prepareLocked(p *Participant) {
	a.videos, a.received, a.layers, a.choices, a.starts = a.videos[:0], a.received[:0], a.layers[:0], a.choices[:0], a.starts[:0]
	a.peaks = a.peaks[:0]
	for _, v := range p.received {
		if v.wanted == nil {
			continue
		}
		g := v.wanted.group
		a.received = append(a.received, v)
		a.starts = append(a.starts, len(a.layers))
		a.addLayers(p, v)
		a.videos = append(a.videos, bwe.Video{
			Group: g.id, Priority: v.wish.Priority, Content: g.owner.content, Target: int64(v.wish.TargetKbps) * 1000,
			Preference: v.wish.Preference, UserPaused: v.userPaused,
		})
	}
	for i := range a.videos {
		end := len(a.layers)
		if i+1 < len(a.starts) {
			end = a.starts[i+1]
		}
		a.videos[i].Layers = a.layers[a.starts[i]:end]
		a.videos[i].Current = a.current(a.received[i], a.starts[i], end)
		// What is not sent yet is judged by what it may soon take: a layer that happens to send little must not tempt.
		for j := a.videos[i].Current + 1; j < len(a.videos[i].Layers); j++ {
			l := &a.videos[i].Layers[j]
			l.Bitrate = max(l.Bitrate, a.peaks[a.starts[i]+j])
		}
	}
}

// addLayers lists the layers of one video.
func (a *allotment) addLayers(p *Participant, v *receivedVideo) {
	g := v.wanted.group
	for i, e := range g.encodings {
		if !e.flowing || !v.mayShow(e, p.adaptation()) {
			continue
		}
		layers := e.track.Stats().Layers
		top := topLayers(layers)
		for _, l := range layers {
			bitrate, peak := int64(l.BitrateBps), int64(l.PeakBps)
			if g.limit != 0 { // the sender follows
				most := max(int64(limitShare*float64(g.limit)), 1)
				bitrate, peak = min(bitrate, most), min(peak, most)
			}
			a.peaks = append(a.peaks, peak)
			a.layers = append(a.layers, bwe.Layer{
				Encoding: i, Spatial: int(l.Spatial), Temporal: int(l.Temporal), Bitrate: bitrate,
				Width: l.Width, Height: l.Height, FrameRate: l.FrameRate,
			})
			c := choice{encoding: e, spatial: l.Spatial, temporal: l.Temporal}
			if c.spatial == top.Spatial {
				c.spatial = allLayers
			}
			if c.temporal == top.Temporal {
				c.temporal = allLayers
			}
			a.choices = append(a.choices, c)
		}
	}
}

func topLayers(layers []forwarder.LayerStats) (top forwarder.LayerStats) {
	for _, l := range layers {
		top.Spatial, top.Temporal = max(top.Spatial, l.Spatial), max(top.Temporal, l.Temporal)
	}
	return top
}

// current is the index of the layer that is sent now: the highest of its encoding within the bounds.
func (a *allotment) current(v *receivedVideo, start, end int) int {
	if v.userPaused || v.serverPaused {
		return bwe.Paused
	}
	at := bwe.Paused
	for i, c := range a.choices[start:end] {
		if c.encoding == v.shown && c.spatial <= v.spatial && c.temporal <= v.temporal {
			at = i
		}
	}
	return at
}

func cheapest(layers []bwe.Layer) (at int) {
	for i := range layers {
		if layers[i].Bitrate < layers[at].Bitrate {
			at = i
		}
	}
	return at
}

// growLocked adds to a plan what senders would send that are held down by the bandwidth of this receiver: it is worth
// finding out whether there is more.
func (a *allotment) growLocked(plan bwe.Plan) bwe.Plan {
	for i, v := range a.received {
		if g := v.wanted.group; g.limit != 0 && plan.Choices[i] != bwe.Paused {
			more := max(int64(v.wanted.maxKbps)*1000-a.videos[i].Layers[plan.Choices[i]].Bitrate, 0)
			plan.All += more
			if plan.Next == 0 && more > 0 {
				plan.Next = plan.Used + more
			}
		}
	}
	return plan
}
