package forwarder

import (
	"testing"

	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
)

// decoder follows what a receiver of layered streams gets and tells whether it can be decoded. It knows
// how the test streams refer to each other and, where there are dependency descriptors, reads those too.
type decoder struct {
	scheme scheme
	ssrc   uint32 // of the sender that is seen at present
	base   uint32 // number of its key picture
	got    map[[2]uint32]bool

	dependencies mediartp.DependencyReader
	history      mediartp.FrameHistory
	lastFrame    uint16
	frames       int
}

// take checks the first packet of each frame.
func (d *decoder) take(t *testing.T, p *rtp.Packet) {
	t.Helper()
	pic, ssrc := pictureOf(p.Payload)
	if !pic.begin {
		return
	}
	d.frames++
	if pic.key && pic.spatial == 0 {
		d.ssrc, d.base, d.got = ssrc, pic.number, map[[2]uint32]bool{}
	}
	if ssrc != d.ssrc {
		t.Fatalf("%s: sender %d is seen without a key frame", d.scheme.name, ssrc)
	}
	for _, n := range d.references(pic) {
		if !d.got[[2]uint32{n, uint32(pic.spatial)}] {
			t.Fatalf("%s: picture %d (%d, %d) needs picture %d, which was not sent", d.scheme.name, pic.number-d.base, pic.spatial, pic.temporal, n-d.base)
		}
	}
	if pic.spatial > 0 && !d.got[[2]uint32{pic.number, uint32(pic.spatial - 1)}] {
		t.Fatalf("%s: layer %d of a picture without the one below", d.scheme.name, pic.spatial)
	}
	d.got[[2]uint32{pic.number, uint32(pic.spatial)}] = true
	if d.scheme.structure != nil {
		d.takeDescriptor(t, p)
	}
}

// references are the numbers of the pictures that one needs.
func (d *decoder) references(pic picture) (list []uint32) {
	if pic.key {
		return nil
	}
	age := pic.number - d.base
	cycle := uint32(len(d.scheme.temporal))
	newest := age / cycle * cycle // of the base layer
	if pic.temporal == 0 {
		return []uint32{d.base + newest - cycle}
	}
	if s := d.scheme.structure; s != nil { // a template names one picture of the same spatial layer
		return []uint32{pic.number - s.Layers[1+pic.temporal].Refs[0]/uint32(d.scheme.spatial)}
	}
	list = []uint32{d.base + newest}
	if d.scheme.kind == vp8PT && age%8 < 4 {
		return list // Y
	}
	from := newest
	if d.scheme.kind == vp8PT {
		from = newest - cycle
	}
	for n := age - 1; n > from; n-- {
		if l := d.scheme.temporal[n%cycle]; l == pic.temporal || d.scheme.kind == vp9PT && l < pic.temporal {
			return append(list, d.base+n)
		}
	}
	return list
}

func (d *decoder) takeDescriptor(t *testing.T, p *rtp.Packet) {
	t.Helper()
	dep, ok := d.dependencies.Read(p.GetExtension(outDependencyExt))
	if !ok {
		t.Fatalf("%s: no readable descriptor", d.scheme.name)
	}
	if d.frames > 1 {
		if step := int16(dep.FrameNumber - d.lastFrame); step < 1 || step > 16 || dep.NewStructure && step > 16 {
			t.Fatalf("%s: frame number advances by %d", d.scheme.name, step)
		}
	}
	d.lastFrame = dep.FrameNumber
	if dep.NewStructure {
		d.history.Reset(dep.FrameNumber)
	} else if !d.history.Decodable(&dep) {
		t.Fatalf("%s: frame %d refers to one that was not sent", d.scheme.name, dep.FrameNumber)
	}
	d.history.Add(dep.FrameNumber)
}

func TestTheDecoderNotices(t *testing.T) {
	for _, st := range schemes() {
		l, r := newLayered(st, 100), newReceiver()
		r.d.SetSource(l.track)
		l.send(l.next(true)...)
		for range 8 {
			l.send(l.next(false)...)
		}
		got := r.out.take()
		// The decoder fails the goroutine that it is called on.
		noticed := make(chan bool)
		go func() {
			inner := &testing.T{}
			defer func() { noticed <- inner.Failed() }()
			d := decoder{scheme: st}
			for i := range got {
				if pic, _ := pictureOf(got[i].Payload); pic.number == uint32(len(st.temporal)) {
					continue // a picture of the base layer is missing
				}
				d.take(inner, &got[i])
			}
		}()
		if !<-noticed {
			t.Errorf("%s: a missing picture was not noticed", st.name)
		}
	}
}
