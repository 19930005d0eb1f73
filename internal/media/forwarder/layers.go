package forwarder

import mediartp "carillon/internal/media/rtp"

// allLayers is a bound that leaves everything in.
const allLayers = 255

// filter leaves out the layers that a receiver shall not be sent. It decides when a frame begins; packets
// that come late, or are asked for again, get the decision that was in force at their place. Less is sent
// from the next picture on; more is sent only from where a decoder can follow: a key frame for spatial
// layers, a switching point of the stream for temporal ones. A stream without layers is let through.
type filter struct {
	wantSpatial, wantTemporal uint8 // the highest layers that may be sent

	selection       // in force
	top       uint8 // highest spatial layer seen
	raise     bool  // temporal layers may be added from the next picture on

	// With dependency descriptors the selection is a decode target of structure.
	structure *mediartp.DependencyStructure
	sent      mediartp.FrameHistory

	begun     bool
	timestamp uint32 // of the newest frame
	layer     uint8  // spatial layer of the newest frame
	past      [selections]selection
	head      int // of past, a ring; [head] is the newest
	known     int
}

// selections is how many changes of the selection are remembered.
const selections = 32

// selection is what is sent from a packet on.
type selection struct {
	from              int64 // extended number
	spatial, temporal uint8
	target            uint8 // decode target, if the stream has them
}

// includes tells whether a packet of the layer is sent.
func (s *selection) includes(l layer) bool {
	if l.targets != 0 {
		return l.targets>>s.target&1 != 0
	}
	return l.spatial <= s.spatial && l.temporal <= s.temporal
}

// ends tells whether a packet is the last of its picture: a picture ends with its highest layer that is sent.
func (s *selection) ends(marker bool, l layer) bool { return marker || l.end && l.spatial == s.spatial }

// restart forgets the source, as another one takes over or its numbers begin anew.
func (f *filter) restart() {
	*f = filter{wantSpatial: f.wantSpatial, wantTemporal: f.wantTemporal}
	f.spatial, f.temporal = f.wantSpatial, f.wantTemporal
}

// decide tells whether a packet is sent, and its marker. after is the highest number before it; it is not
// less than the packet's if that is late.
func (f *filter) decide(p *packet, after int64) (keep, marker bool) {
	if !p.layer.layered {
		return true, p.marker
	}
	if p.ext > after {
		if !f.begun || p.timestamp != f.timestamp || p.layer.spatial != f.layer {
			f.frame(p, after)
		}
		return f.includes(p.layer), f.ends(p.marker, p.layer)
	}
	s, ok := f.at(p.ext)
	if !ok {
		return true, p.marker // from before all that is remembered
	}
	return s.includes(p.layer), s.ends(p.marker, p.layer)
}

// at is what was in force for a packet.
func (f *filter) at(ext int64) (s selection, ok bool) {
	for i := range f.known {
		if s = f.past[(f.head-i+selections)%selections]; s.from <= ext {
			return s, true
		}
	}
	return s, false
}

// frame selects anew where a frame begins. If its first packet is missing, so is the place where it begins:
// then it has all of the gap.
func (f *filter) frame(p *packet, after int64) {
	newPicture := !f.begun || p.timestamp != f.timestamp
	f.begun, f.timestamp, f.layer = true, p.timestamp, p.layer.spatial
	f.top = max(f.top, p.layer.spatial)
	if p.hasDependency {
		f.byDependency(p, newPicture)
	} else {
		f.byIndices(p, newPicture)
	}
	f.from = p.ext
	if !p.layer.begin {
		f.from = after + 1
	}
	f.remember()
}

// remember keeps the selection, if it has changed.
func (f *filter) remember() {
	if f.known > 0 {
		last := f.past[f.head]
		if last.from = f.from; last == f.selection {
			return
		}
	}
	f.head = (f.head + 1) % selections
	f.known = min(f.known+1, selections)
	f.past[f.head] = f.selection
}

// byIndices selects by the layer indices in the payload descriptors of VP8 and VP9.
func (f *filter) byIndices(p *packet, newPicture bool) {
	l := p.layer
	switch {
	case p.keyFrame:
		f.spatial, f.temporal, f.raise = f.wantSpatial, f.wantTemporal, false
	case newPicture:
		if f.raise {
			f.temporal = f.wantTemporal
		}
		f.spatial, f.temporal, f.raise = min(f.spatial, f.wantSpatial), min(f.temporal, f.wantTemporal), false
	}
	// One layer at a time: the ones between need a frame of their own to begin with.
	if l.sync && l.temporal == f.temporal+1 && l.temporal <= f.wantTemporal {
		f.temporal = l.temporal
	}
	f.raise = f.raise || l.switchUp && l.temporal <= f.temporal
}

// byDependency selects by the decode targets of a dependency descriptor.
func (f *filter) byDependency(p *packet, newPicture bool) {
	d := &p.dependency
	if p.keyFrame || f.structure != d.Structure {
		f.structure = d.Structure
		f.sent.Reset(d.FrameNumber)
		f.aim(f.structure.Best(f.wantSpatial, f.wantTemporal))
	} else {
		f.follow(d, newPicture)
	}
	if d.In(int(f.target)) {
		f.sent.Add(d.FrameNumber)
	}
}

// follow moves towards the wanted decode target as far as the frame allows.
func (f *filter) follow(d *mediartp.Dependency, newPicture bool) {
	if newPicture {
		f.aim(f.structure.Best(min(f.spatial, f.wantSpatial), min(f.temporal, f.wantTemporal)))
	}
	higher := f.structure.Best(min(f.spatial, f.wantSpatial), f.wantTemporal)
	if higher != int(f.target) && d.SwitchesTo(higher) && f.sent.Decodable(d) {
		f.aim(higher)
	}
}

func (f *filter) aim(target int) {
	t := f.structure.Target[target]
	f.target, f.spatial, f.temporal = uint8(target), t.Spatial, t.Temporal
}

// lacking tells whether layers are wanted that only a key frame can add.
func (f *filter) lacking() bool { return min(f.wantSpatial, f.top) > f.spatial }
