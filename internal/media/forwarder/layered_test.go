package forwarder

import (
	"encoding/binary"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/rtp/rtptest"
)

// scheme is how a layered test stream is made: which layers, and what carries them.
type scheme struct {
	name      string
	kind      uint8
	spatial   int
	temporal  []uint8            // layers of successive pictures
	structure *rtptest.Structure // nil = no dependency descriptors
}

func schemes() []scheme {
	// A sender may call every frame a switching point; one that needs what was left out is none.
	eager := rtptest.L1T3()
	eager.Layers[3].Indications = "--S"
	return []scheme{
		{name: "VP8 with three temporal layers", kind: vp8PT, spatial: 1, temporal: []uint8{0, 2, 1, 2}},
		{name: "VP9 with three spatial and temporal layers", kind: vp9PT, spatial: 3, temporal: []uint8{0, 2, 1, 2}},
		{name: "AV1 L1T3", kind: av1PT, spatial: 1, temporal: []uint8{0, 2, 1, 2}, structure: rtptest.L1T3()},
		{name: "AV1 L1T3, all switching points", kind: av1PT, spatial: 1, temporal: []uint8{0, 2, 1, 2}, structure: eager},
		{name: "AV1 L2T2", kind: av1PT, spatial: 2, temporal: []uint8{0, 1}, structure: rtptest.L2T2()},
		{name: "VP9 L2T2 with descriptors", kind: vp9PT, spatial: 2, temporal: []uint8{0, 1}, structure: rtptest.L2T2()},
	}
}

// picture is what the end of each payload of a layered stream tells a test, beside the sender's SSRC and
// the timestamp.
type picture struct {
	number            uint32 // of the picture
	spatial, temporal uint8
	key, begin, end   bool
}

// layered makes the pictures of such a stream.
type layered struct {
	*sender
	scheme
	pictures  uint32 // since the start
	sinceKey  uint32
	frame     uint16 // frame number of the descriptor
	perPacket int    // packets of a layer's frame
}

func newLayered(st scheme, ssrc uint32) *layered {
	s := newSender(ssrc)
	s.pt = st.kind
	return &layered{sender: s, scheme: st, frame: 65500, perPacket: 2}
}

// next makes the packets of the next picture.
func (l *layered) next(key bool) (out []rtp.Packet) {
	l.now += 33 * ms
	l.timestamp += 3000
	l.pictureID = (l.pictureID + 1) & 0x7fff
	if key {
		l.sinceKey = 0
	}
	temporal := l.temporal[l.sinceKey%uint32(len(l.temporal))]
	if temporal == 0 {
		l.tl0++
	}
	for spatial := range l.spatial {
		l.frame++
		for i := range l.perPacket {
			p := picture{number: l.pictures, spatial: uint8(spatial), temporal: temporal, key: key, begin: i == 0, end: i == l.perPacket-1}
			packet := l.packet(l.body(p), p.end && spatial == l.spatial-1)
			if l.structure != nil {
				if err := packet.SetExtensionWithProfile(dependencyExt, l.descriptor(p), rtp.ExtensionProfileTwoByte); err != nil {
					panic(err)
				}
			}
			out = append(out, packet)
		}
	}
	l.pictures++
	l.sinceKey++
	return out
}

// body is the payload descriptor and header of a packet, and what tells it apart.
func (l *layered) body(p picture) (b []byte) {
	switch l.kind {
	case vp8PT:
		// The frames of the first cycle refer to the base layer only, as Y says; the others of the same
		// layer may refer to each other.
		b = []byte{0x80, 0xe0, 0x80 | byte(l.pictureID>>8), byte(l.pictureID), l.tl0, p.temporal << 6}
		if p.temporal > 0 && l.sinceKey%8 < 4 {
			b[5] |= 0x20
		}
		if p.begin {
			b[0] |= 0x10
		}
		b = append(b, 0x11, 0, 0)
		if p.key && p.begin {
			b = append(b[:len(b)-3], 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01)
		}
	case vp9PT:
		b = []byte{0xa0, 0x80 | byte(l.pictureID>>8), byte(l.pictureID), p.temporal<<5 | p.spatial<<1, l.tl0, 1}
		if p.temporal == 0 {
			b[3] |= 0x10 // what follows in higher layers refers to nothing before
		}
		if !p.key {
			b[0] |= 0x40
		}
		b[0] |= bit(p.begin)<<3 | bit(p.end)<<2
	default:
		b = []byte{0x10 | bit(p.key && p.begin && p.spatial == 0)<<3, 0x30, 1}
	}
	b = append(b, p.spatial, p.temporal, bit(p.key), bit(p.begin), bit(p.end))
	b = binary.BigEndian.AppendUint32(b, l.ssrc)
	return binary.BigEndian.AppendUint32(b, p.number)
}

func bit(set bool) byte {
	if set {
		return 1
	}
	return 0
}

// pictureOf reads the end of a payload.
func pictureOf(payload []byte) (p picture, ssrc uint32) {
	b := payload[len(payload)-13:]
	return picture{number: binary.BigEndian.Uint32(b[9:]), spatial: b[0], temporal: b[1], key: b[2] == 1, begin: b[3] == 1, end: b[4] == 1}, binary.BigEndian.Uint32(b[5:])
}

// descriptor is the dependency descriptor of a packet. Frames refer to the base layers that their template
// names; in the first picture of a temporal layer only to those.
func (l *layered) descriptor(p picture) []byte {
	d := rtptest.Descriptor{Begin: p.begin, End: p.end, Number: l.frame, Announce: p.key && p.begin && p.spatial == 0}
	if l.spatial == 1 {
		if !p.key {
			d.Template = 1 + int(p.temporal)
		}
		return l.structure.Write(d)
	}
	if !p.key {
		d.Template = 1 + int(p.temporal)
	}
	if p.spatial == 1 {
		d.Template += 3
		if p.key {
			d.Template = 3
		}
	}
	return l.structure.Write(d)
}

// within tells whether a receiver with these bounds is to be sent the packet.
func (p picture) within(s, t uint8) bool { return p.spatial <= s && p.temporal <= t }

// checkUnbroken checks the numbers and markers of what a receiver got without loss, and returns the pictures.
func checkUnbroken(t *testing.T, name string, got []rtp.Packet) (seen []picture) {
	t.Helper()
	for i, p := range got {
		if p.SequenceNumber != got[0].SequenceNumber+uint16(i) {
			t.Fatalf("%s: packet %d has number %d, the first %d", name, i, p.SequenceNumber, got[0].SequenceNumber)
		}
		pic, _ := pictureOf(p.Payload)
		seen = append(seen, pic)
		last := i == len(got)-1 || got[i+1].Timestamp != p.Timestamp
		if p.Marker != last {
			t.Fatalf("%s: picture %d, layer %d: marker %v, last packet of the picture %v", name, pic.number, pic.spatial, p.Marker, last)
		}
	}
	return seen
}

func TestLayersAreLeftOutWithoutATrace(t *testing.T) {
	for _, st := range schemes() {
		for spatial := range uint8(st.spatial) {
			for temporal := range uint8(3) {
				l, r := newLayered(st, 100), newReceiver()
				r.d.SetSource(l.track)
				r.d.SetLayers(spatial, temporal)
				l.send(l.next(true)...)
				for range 40 {
					l.send(l.next(false)...)
				}
				got := r.out.take()
				seen := checkUnbroken(t, st.name, got)
				want := 0
				for i := range uint32(41) {
					if st.temporal[i%uint32(len(st.temporal))] <= temporal {
						want += int(spatial+1) * l.perPacket
					}
				}
				if len(seen) != want {
					t.Errorf("%s, up to (%d, %d): %d packets, want %d", st.name, spatial, temporal, len(seen), want)
				}
				for _, p := range seen {
					if !p.within(spatial, temporal) {
						t.Fatalf("%s: layer (%d, %d) was sent, up to (%d, %d) is wanted", st.name, p.spatial, p.temporal, spatial, temporal)
					}
				}
				if st.kind == vp8PT {
					checkPictureIDs(t, got)
				}
			}
		}
	}
}

// checkPictureIDs makes sure that VP8 pictures are numbered without gaps.
func checkPictureIDs(t *testing.T, got []rtp.Packet) {
	t.Helper()
	id, _ := vp8IDs(t, got[0].Payload)
	timestamp := got[0].Timestamp
	for _, p := range got[1:] {
		if p.Timestamp != timestamp {
			id, timestamp = (id+1)&0x7fff, p.Timestamp
		}
		if now, _ := vp8IDs(t, p.Payload); now != id {
			t.Fatalf("picture id %d, want %d", now, id)
		}
	}
}

// Layers are added where a decoder can follow: temporal ones at once, spatial ones with the key frame that
// is asked for.
func TestLayersComeBack(t *testing.T) {
	for _, st := range schemes() {
		l, r := newLayered(st, 100), newReceiver()
		r.d.SetSource(l.track)
		r.d.SetLayers(0, 0)
		l.send(l.next(true)...)
		for range 7 {
			l.send(l.next(false)...)
		}
		l.up.Tick(nil, l.now)
		l.fb.take()
		r.d.SetLayers(allLayers, allLayers)
		for range 16 {
			l.send(l.next(false)...)
		}
		top := uint8(0)
		for _, p := range checkUnbroken(t, st.name, r.out.take()) {
			top = max(top, p.temporal)
			if p.spatial > 0 {
				t.Fatalf("%s: a spatial layer was added without a key frame", st.name)
			}
		}
		if want := st.temporal[1]; top != want {
			t.Errorf("%s: temporal layers up to %d came back, want %d", st.name, top, want)
		}
		if asked := l.track.wantsKey.Load(); asked != (st.spatial > 1) {
			t.Errorf("%s: asked for a key frame: %v", st.name, asked)
		}
		l.send(l.next(true)...)
		if n := len(checkUnbroken(t, st.name, r.out.take())); n != st.spatial*l.perPacket {
			t.Errorf("%s: %d packets of the key frame, want all", st.name, n)
		}
	}
}
