package rtp

// DependencyStructure is what a sender announces with a key frame: the decode targets, each a choice of
// layers that can be decoded without the rest.
type DependencyStructure struct {
	Targets int
	Target  [maxTargets]DecodeTarget
	Sizes   [maxSpatialLayers]Size // by spatial layer, zero if not said

	offset    uint8
	templates int
	template  [maxTemplates]template
	chains    int
}

// DecodeTarget is the highest layer of a decode target.
type DecodeTarget struct{ Spatial, Temporal uint8 }

type template struct {
	spatial, temporal  uint8
	present, switching uint32
	refs               references
}

// Best returns the highest decode target within the given layers; the lowest one if none is.
func (s *DependencyStructure) Best(spatial, temporal uint8) int {
	best, lowest := -1, 0
	for i, t := range s.Target[:s.Targets] {
		if t.below(s.Target[lowest]) {
			lowest = i
		}
		if t.Spatial <= spatial && t.Temporal <= temporal && (best < 0 || s.Target[best].below(t)) {
			best = i
		}
	}
	if best < 0 {
		return lowest
	}
	return best
}

func (t DecodeTarget) below(o DecodeTarget) bool {
	return t.Spatial < o.Spatial || t.Spatial == o.Spatial && t.Temporal < o.Temporal
}

// read reads a structure; b.failed is set when it is none.
func (s *DependencyStructure) read(b *bitString) {
	*s = DependencyStructure{offset: uint8(b.bits(6)), Targets: int(b.bits(5)) + 1}
	s.readLayers(b)
	for i := range s.templates {
		t := &s.template[i]
		t.present, t.switching = readIndications(b, s.Targets)
	}
	for i := range s.templates {
		for b.flag() {
			s.template[i].refs.add(b.bits(4) + 1)
		}
	}
	s.skipChains(b)
	for i := range s.Targets {
		for _, t := range s.template[:s.templates] {
			if t.present>>i&1 != 0 {
				s.Target[i].Spatial = max(s.Target[i].Spatial, t.spatial)
				s.Target[i].Temporal = max(s.Target[i].Temporal, t.temporal)
			}
		}
	}
	if b.flag() {
		for i := range s.template[s.templates-1].spatial + 1 {
			w, h := b.bits(16)+1, b.bits(16)+1
			if w <= 0xffff && h <= 0xffff {
				s.Sizes[i] = Size{uint16(w), uint16(h)}
			}
		}
	}
}

// readLayers reads the layers of the templates. There is always at least one template.
func (s *DependencyStructure) readLayers(b *bitString) {
	var spatial, temporal uint8
	for {
		s.template[s.templates] = template{spatial: spatial, temporal: temporal}
		s.templates++
		next := b.bits(2)
		switch next {
		case 1:
			temporal++
		case 2:
			temporal, spatial = 0, spatial+1
		case 3:
			return
		}
		if b.failed || s.templates == maxTemplates || spatial >= maxSpatialLayers || temporal >= maxTemporal {
			b.failed = true
			return
		}
	}
}

// skipChains skips the chains, by which a receiver can tell that it has lost what it needs.
func (s *DependencyStructure) skipChains(b *bitString) {
	s.chains = int(b.nonSymmetric(uint32(s.Targets) + 1))
	if s.chains == 0 {
		return
	}
	for range s.Targets {
		b.nonSymmetric(uint32(s.chains))
	}
	for range s.templates * s.chains {
		b.bits(4)
	}
}
