package rtp

import "encoding/binary"

// Bounds of a dependency descriptor. Those of templates and targets follow from the width of their fields.
const (
	maxTemplates = 64
	maxTargets   = 32
	maxTemporal  = 8
)

// Dependency is what the dependency descriptor header extension (the AV1 RTP specification, appendix A)
// says about a frame. It serves all codecs.
type Dependency struct {
	FrameNumber       uint16
	Begin, End        bool // of the frame
	Spatial, Temporal uint8
	Structure         *DependencyStructure // in force; shared, never changed
	NewStructure      bool                 // the packet carries it: the first one of a key frame

	present   uint32 // decode targets that the frame belongs to
	switching uint32 // decode targets that can be switched to at the frame
	refs      references
}

// references are frame numbers relative to a frame, bit n standing for n+1 frames before it.
type references struct {
	near uint64
	far  bool // one is further back
}

func (r *references) add(distance uint32) {
	if distance > 64 {
		r.far = true
		return
	}
	r.near |= 1 << (distance - 1)
}

// In tells whether the frame belongs to a decode target.
func (d *Dependency) In(target int) bool { return d.present>>target&1 != 0 }

// Targets returns the decode targets that the frame belongs to, one bit each.
func (d *Dependency) Targets() uint32 { return d.present }

// SwitchesTo tells whether all later frames of a decode target can be decoded when this one can.
func (d *Dependency) SwitchesTo(target int) bool { return d.switching>>target&1 != 0 }

// mandatorySize is that of the fields that every descriptor has.
const mandatorySize = 3

// DependencyFrameNumber returns the frame number of a descriptor, which needs no structure to be read.
func DependencyFrameNumber(extension []byte) (number uint16, ok bool) {
	if len(extension) < mandatorySize {
		return 0, false
	}
	return binary.BigEndian.Uint16(extension[1:]), true
}

// PatchDependency writes another frame number into a descriptor.
func PatchDependency(extension []byte, number uint16) {
	binary.BigEndian.PutUint16(extension[1:], number)
}

// DependencyReader reads the descriptors of one stream. The zero value waits for the first structure.
type DependencyReader struct {
	current *DependencyStructure
	scratch DependencyStructure
}

// Reset forgets the structure, as another stream begins.
func (r *DependencyReader) Reset() { r.current = nil }

// Read reads a descriptor. It is false when that is malformed or refers to a structure that is not known.
// It allocates only when the structure changes.
func (r *DependencyReader) Read(extension []byte) (d Dependency, ok bool) {
	b := bitString{data: extension}
	d.Begin, d.End = b.flag(), b.flag()
	id := uint8(b.bits(6))
	d.FrameNumber = uint16(b.bits(16))
	var active, customTargets, customRefs, customChains bool
	if len(extension) > mandatorySize {
		d.NewStructure, active = b.flag(), b.flag()
		customTargets, customRefs, customChains = b.flag(), b.flag(), b.flag()
	}
	s := r.current
	if d.NewStructure {
		r.scratch.read(&b)
		s = &r.scratch
	}
	if b.failed || s == nil {
		return d, false
	}
	if active {
		b.bits(s.Targets)
	}
	index := int(id-s.offset) & (maxTemplates - 1)
	if index >= s.templates {
		return d, false
	}
	t := s.template[index]
	if customTargets {
		t.present, t.switching = readIndications(&b, s.Targets)
	}
	if customRefs {
		t.refs = readReferences(&b)
	}
	if customChains {
		for range s.chains {
			b.bits(8)
		}
	}
	if b.failed {
		return d, false
	}
	if d.NewStructure && (r.current == nil || *r.current != r.scratch) {
		fresh := r.scratch
		r.current = &fresh
	}
	d.Structure = r.current
	d.Spatial, d.Temporal, d.present, d.switching, d.refs = t.spatial, t.temporal, t.present, t.switching, t.refs
	return d, true
}

// readIndications reads a decode target indication for each target: 0 not present, 1 discardable,
// 2 switch, 3 required.
func readIndications(b *bitString, targets int) (present, switching uint32) {
	for i := range targets {
		switch b.bits(2) {
		case 0:
		case 2:
			switching |= 1 << i
			fallthrough
		default:
			present |= 1 << i
		}
	}
	return present, switching
}

// readReferences reads the references that a frame has in place of its template's.
func readReferences(b *bitString) (r references) {
	for size := b.bits(2); size != 0; size = b.bits(2) {
		r.add(b.bits(int(4*size)) + 1)
	}
	return r
}
