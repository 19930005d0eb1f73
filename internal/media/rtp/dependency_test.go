package rtp

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"carillon/internal/media/rtp/rtptest"
)

// write makes a descriptor of a structure.
func write(s *rtptest.Structure, begin, end, announce bool, template int, number uint16, indications string, refs []uint32) []byte {
	return s.Write(rtptest.Descriptor{Begin: begin, End: end, Announce: announce, Template: template, Number: number, Indications: indications, Refs: refs})
}

func TestDependencyReads(t *testing.T) {
	var r DependencyReader
	s := rtptest.L2T2()
	if _, ok := r.Read(write(s, true, true, false, 0, 1, "", nil)); ok {
		t.Error("a descriptor without a structure was read")
	}
	d, ok := r.Read(write(s, true, false, true, 0, 500, "", nil))
	if !ok || !d.NewStructure || !d.Begin || d.End || d.FrameNumber != 500 || d.Structure.Targets != 4 {
		t.Fatalf("key frame: %+v, %v", d, ok)
	}
	if d.Structure.Target != [maxTargets]DecodeTarget{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
		t.Errorf("targets %v", d.Structure.Target[:4])
	}
	if d.Structure.Sizes != [maxSpatialLayers]Size{{320, 180}, {640, 360}} {
		t.Errorf("sizes %v", d.Structure.Sizes)
	}
	structure := d.Structure
	for i, want := range []struct {
		spatial, temporal, best uint8
	}{{0, 0, 0}, {0, 9, 1}, {1, 0, 2}, {9, 9, 3}} {
		if got := structure.Best(want.spatial, want.temporal); got != int(want.best) {
			t.Errorf("%d: best %d, want %d", i, got, want.best)
		}
	}
	d, ok = r.Read(write(s, true, true, false, 5, 501, "", nil))
	if !ok || d.Spatial != 1 || d.Temporal != 1 || d.In(0) || d.In(1) || d.In(2) || !d.In(3) || d.SwitchesTo(3) || d.refs.near != 3 {
		t.Errorf("template 5: %+v, %v", d, ok)
	}
	d, ok = r.Read(write(s, true, true, false, 1, 502, "-SR-", []uint32{1, 16, 17, 64, 65}))
	if !ok || d.In(0) || !d.In(1) || !d.SwitchesTo(1) || !d.In(2) || d.SwitchesTo(2) || d.In(3) || d.refs.near != 1|1<<15|1<<16|1<<63 || !d.refs.far {
		t.Errorf("custom: %+v, %v", d, ok)
	}
	if d, ok = r.Read(write(s, true, true, true, 0, 600, "", nil)); !ok || d.Structure != structure {
		t.Error("the same structure is another one")
	}
	if d, ok = r.Read(write(rtptest.L1T3(), true, true, true, 0, 601, "", nil)); !ok || d.Structure == structure || d.Structure.Targets != 3 {
		t.Error("another structure is the same one")
	}
	if _, ok = r.Read(write(rtptest.L1T3(), true, true, false, 4, 602, "", nil)); ok {
		t.Error("a template that does not exist was read")
	}
	r.Reset()
	if _, ok = r.Read(write(s, true, true, false, 0, 1, "", nil)); ok {
		t.Error("Reset did not forget the structure")
	}
}

func TestDependencyPatchReadsBack(t *testing.T) {
	raw := write(rtptest.L1T3(), true, false, true, 0, 500, "", nil)
	PatchDependency(raw, 0xabcd)
	var r DependencyReader
	if d, ok := r.Read(raw); !ok || d.FrameNumber != 0xabcd || !d.Begin || d.End || d.Structure.Targets != 3 {
		t.Errorf("%+v, %v", d, ok)
	}
	if n, ok := DependencyFrameNumber(raw); n != 0xabcd || !ok {
		t.Errorf("%x, %v", n, ok)
	}
	if _, ok := DependencyFrameNumber(raw[:2]); ok {
		t.Error("two bytes are a descriptor")
	}
}

func TestReadingDependenciesDoesNotAllocate(t *testing.T) {
	var r DependencyReader
	key, delta := write(rtptest.L1T3(), true, true, true, 0, 1, "", nil), write(rtptest.L1T3(), true, true, false, 2, 2, "", nil)
	r.Read(key)
	if n := testing.AllocsPerRun(100, func() { r.Read(key); r.Read(delta) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Random frames are sent or not; whether a frame can be decoded must be what a plain set of the sent
// numbers says.
func TestFrameHistoryAgreesWithASet(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var h FrameHistory
		number := uint16(rnd.Uint32())
		h.Reset(number)
		sent := map[uint16]bool{}
		for range 2000 {
			number += uint16(1 + rnd.IntN(3))
			d := Dependency{FrameNumber: number}
			want := true
			for range rnd.IntN(3) {
				distance := uint16(1 + rnd.IntN(60))
				d.refs.add(uint32(distance))
				want = want && sent[number-distance]
			}
			if got := h.Decodable(&d); got != want {
				t.Fatalf("seed %d, frame %d: decodable %v, want %v", seed, number, got, want)
			}
			if rnd.IntN(4) > 0 {
				h.Add(number)
				sent[number] = true
			}
		}
		if far := (Dependency{FrameNumber: number, refs: references{far: true}}); h.Decodable(&far) {
			t.Fatal("a reference beyond the memory counts as sent")
		}
	}
}

func TestFrameNumberMapStaysContinuous(t *testing.T) {
	var m FrameNumberMap
	m.Start(65534)
	for _, c := range [][2]uint16{{65534, 65534}, {1, 1}, {0, 0}} {
		if got := m.Map(c[0]); got != c[1] {
			t.Errorf("%d became %d", c[0], got)
		}
	}
	m.Start(900)
	if got := m.Map(900); got != 2 {
		t.Errorf("the second source begins with %d", got)
	}
}

func FuzzDependency(f *testing.F) {
	for _, s := range []*rtptest.Structure{rtptest.L1T3(), rtptest.L2T2()} {
		key := write(s, true, true, true, 0, 1, "", nil)
		f.Add(key, write(s, true, false, false, 2, 2, "", nil))
		f.Add(key, write(s, true, false, false, 1, 2, "", []uint32{1, 300}))
		f.Add(key[:len(key)-1], key[:3])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var r DependencyReader
		for _, raw := range [][]byte{first, second, first} {
			d, ok := r.Read(raw)
			if !ok {
				continue
			}
			s := d.Structure
			if s == nil || s.Targets < 1 || s.Targets > maxTargets || s.templates < 1 || d.present>>s.Targets != 0 && s.Targets < 32 {
				t.Fatalf("%+v", d)
			}
			best := s.Best(255, 255)
			if best < 0 || best >= s.Targets || s.Best(0, 0) >= s.Targets {
				t.Fatalf("best target %d of %d", best, s.Targets)
			}
			var h FrameHistory
			h.Add(d.FrameNumber)
			h.Decodable(&d)
			again := bytes.Clone(raw)
			PatchDependency(again, d.FrameNumber+1)
			if d2, ok := r.Read(again); !ok || d2.FrameNumber != d.FrameNumber+1 || d2.present != d.present {
				t.Fatalf("patched: %+v, %v", d2, ok)
			}
		}
	})
}
