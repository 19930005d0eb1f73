// Package rtptest writes what senders write, for tests: bits, dependency descriptors (the AV1 RTP
// specification, appendix A) and parity packets (RFC 5109). It shares no code with the readers in package rtp.
package rtptest

import (
	"math/bits"
	"strings"
)

// Bits is a string of bits, most significant first.
type Bits struct {
	Data []byte
	n    int
}

// Bits appends the low n bits of v.
func (w *Bits) Bits(n int, v uint32) *Bits {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.Data = append(w.Data, 0)
		}
		w.Data[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
	return w
}

// Flag appends one bit.
func (w *Bits) Flag(set bool) *Bits {
	if set {
		return w.Bits(1, 1)
	}
	return w.Bits(1, 0)
}

func (w *Bits) nonSymmetric(n, v uint32) {
	width := bits.Len32(n)
	if m := uint32(1)<<width - n; v < m {
		w.Bits(width-1, v)
	} else {
		w.Bits(width, v+m)
	}
}

// Structure is what a sender announces about its layers.
type Structure struct {
	Offset  uint32
	Targets int
	Chains  uint32
	Layers  []Layer  // the templates
	Sizes   [][2]int // width and height of each spatial layer; nil = not said
}

// Layer is a template: a kind of frame. Indications has a letter for each decode target, - (not present),
// D (discardable), S (switch) or R (required); Refs are distances in frames.
type Layer struct {
	Spatial, Temporal uint8
	Indications       string
	Refs              []uint32
}

// Descriptor is one descriptor to be written. Indications and Refs, if set, replace those of the template.
type Descriptor struct {
	Begin, End  bool
	Template    int
	Number      uint16
	Announce    bool // with the structure
	Indications string
	Refs        []uint32
}

// Write returns the descriptor as it is sent.
func (s *Structure) Write(d Descriptor) []byte {
	w := &Bits{}
	w.Flag(d.Begin).Flag(d.End).Bits(6, (s.Offset+uint32(d.Template))%64).Bits(16, uint32(d.Number))
	if !d.Announce && d.Indications == "" && d.Refs == nil {
		return w.Data
	}
	w.Flag(d.Announce).Flag(false).Flag(d.Indications != "").Flag(d.Refs != nil).Flag(false)
	if d.Announce {
		s.write(w)
	}
	writeIndications(w, d.Indications)
	if d.Refs != nil {
		for _, r := range d.Refs {
			nibbles := max((bits.Len32(r-1)+3)/4, 1)
			w.Bits(2, uint32(nibbles)).Bits(4*nibbles, r-1)
		}
		w.Bits(2, 0)
	}
	return w.Data
}

func writeIndications(w *Bits, list string) {
	for i := range list {
		w.Bits(2, uint32(strings.IndexByte("-DSR", list[i])))
	}
}

func (s *Structure) write(w *Bits) {
	w.Bits(6, s.Offset).Bits(5, uint32(s.Targets-1))
	for i, l := range s.Layers {
		w.Bits(2, s.next(i, l))
	}
	for _, l := range s.Layers {
		writeIndications(w, l.Indications)
	}
	for _, l := range s.Layers {
		for _, r := range l.Refs {
			w.Flag(true).Bits(4, r-1)
		}
		w.Flag(false)
	}
	w.nonSymmetric(uint32(s.Targets)+1, s.Chains)
	if s.Chains > 0 {
		for i := range s.Targets {
			w.nonSymmetric(s.Chains, uint32(i)%s.Chains)
		}
		for range len(s.Layers) * int(s.Chains) {
			w.Bits(4, 9)
		}
	}
	w.Flag(s.Sizes != nil)
	for _, size := range s.Sizes {
		w.Bits(16, uint32(size[0])-1).Bits(16, uint32(size[1])-1)
	}
}

// next says how the template after i differs.
func (s *Structure) next(i int, l Layer) uint32 {
	if i+1 == len(s.Layers) {
		return 3
	}
	switch n := s.Layers[i+1]; {
	case n.Spatial > l.Spatial:
		return 2
	case n.Temporal > l.Temporal:
		return 1
	}
	return 0
}

// L1T3 has one spatial layer and three temporal ones.
func L1T3() *Structure {
	return &Structure{Offset: 60, Targets: 3, Chains: 1, Sizes: [][2]int{{1280, 720}}, Layers: []Layer{
		{0, 0, "SSS", nil}, {0, 0, "SSS", []uint32{4}}, {0, 1, "-DS", []uint32{2}}, {0, 2, "--D", []uint32{1}},
	}}
}

// L2T2 has two spatial and two temporal layers. The frames of a picture follow each other.
func L2T2() *Structure {
	return &Structure{Offset: 3, Targets: 4, Chains: 2, Sizes: [][2]int{{320, 180}, {640, 360}}, Layers: []Layer{
		{0, 0, "SSSS", nil}, {0, 0, "SSRR", []uint32{4}}, {0, 1, "-D-R", []uint32{2}},
		{1, 0, "--SS", []uint32{1}}, {1, 0, "--SS", []uint32{4, 1}}, {1, 1, "---D", []uint32{2, 1}},
	}}
}
