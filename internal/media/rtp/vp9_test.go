package rtp

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"

	"carillon/internal/media/rtp/rtptest"
)

// vp9KeyHeader is the uncompressed header of a key frame of profile 0, 640x360.
func vp9KeyHeader() []byte {
	w := &rtptest.Bits{}
	w.Bits(2, 2).Bits(2, 0).Bits(1, 0).Bits(1, 0).Bits(2, 2).Bits(24, 0x498342).Bits(3, 1).Bits(1, 0).Bits(16, 639).Bits(16, 359)
	return w.Data
}

func TestParseVP9(t *testing.T) {
	key := vp9KeyHeader()
	structure := []byte{0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 2, 0x04, 1, 0x28, 1, 2}
	for _, c := range []struct {
		name    string
		payload []byte
		ok      bool
		want    VP9
	}{
		{"empty", nil, false, VP9{}},
		{"bare key frame", append([]byte{0x0c}, key...), true, VP9{KeyFrame: true, Begin: true, End: true, Sizes: [4]Size{{640, 360}}}},
		{"bare delta frame", []byte{0x4c, 1}, true, VP9{Begin: true, End: true}},
		{"7-bit id", []byte{0xc8, 0x11, 1}, true, VP9{Begin: true, HasPictureID: true, PictureID: 0x11}},
		{"15-bit id", []byte{0xc4, 0x91, 0x22, 1}, true, VP9{End: true, HasPictureID: true, PictureID: 0x1122}},
		{"layers", []byte{0xe8, 0x81, 0x02, 0x53, 0x77, 1}, true,
			VP9{Begin: true, Layered: true, Temporal: 2, SwitchUp: true, Spatial: 1, HasTL0: true, TL0PicIdx: 0x77, HasPictureID: true, PictureID: 0x102}},
		{"flexible, two references", []byte{0xf8, 0x81, 0x02, 0x20, 0x03, 0x04, 9}, true,
			VP9{Begin: true, Layered: true, Temporal: 1, HasPictureID: true, PictureID: 0x102}},
		{"structure", append(append([]byte{0xaa, 0x81, 0x02, 0x00, 0x01}, structure...), 9), true,
			VP9{KeyFrame: true, Begin: true, Layered: true, HasTL0: true, TL0PicIdx: 1, HasPictureID: true, PictureID: 0x102, Sizes: [4]Size{{320, 180}, {640, 360}}}},
		{"upper layer of a key picture", []byte{0xa8, 0x81, 0x02, 0x03, 0x01, 9}, true,
			VP9{Begin: true, Layered: true, Spatial: 1, HasTL0: true, TL0PicIdx: 1, HasPictureID: true, PictureID: 0x102}},
		{"id cut off", []byte{0x80, 0x81}, false, VP9{}},
		{"layers cut off", []byte{0xa0, 0x01}, false, VP9{}},
		{"references cut off", []byte{0xd0, 0x01, 0x03}, false, VP9{}},
		{"structure cut off", []byte{0x0a, 0x38, 1, 2}, false, VP9{}},
		{"too many layers", []byte{0x20, 0x08, 0, 1}, false, VP9{}},
	} {
		got, ok := ParseVP9(c.payload)
		got.longID, got.pictureIDAt, got.tl0At = false, 0, 0
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %v %+v", c.name, ok, got)
		}
	}
}

func TestVP9PatchReadsBack(t *testing.T) {
	for _, payload := range [][]byte{{0xe8, 0x81, 0x02, 0x53, 0x77, 1, 7, 7}, {0xe8, 0x11, 0x53, 0x77, 1, 7, 7}} {
		v, ok := ParseVP9(payload)
		if !ok {
			t.Fatal("cannot parse")
		}
		body := bytes.Clone(payload[len(payload)-3:])
		v.Patch(payload, 0x55, 0x66)
		var theirs codecs.VP9Packet // an independent parser
		rest, err := theirs.Unmarshal(payload)
		if err != nil || theirs.PictureID != 0x55 || theirs.TL0PICIDX != 0x66 || theirs.TID != 2 || theirs.SID != 1 || !bytes.Equal(rest, body) {
			t.Errorf("after the patch: %+v, payload % x, %v", theirs, rest, err)
		}
	}
}

// FuzzVP9 compares the descriptor with what an independent parser reads, where both read it.
func FuzzVP9(f *testing.F) {
	f.Add(append([]byte{0x0c}, vp9KeyHeader()...), uint16(3), uint8(4))
	f.Add([]byte{0xe8, 0x81, 0x02, 0x53, 0x77, 1}, uint16(3), uint8(4))
	f.Add([]byte{0xaa, 0x81, 0x02, 0x00, 0x01, 0x38, 1, 0x40, 0, 0xb4, 2, 0x80, 1, 0x68, 1, 0x04, 1, 9}, uint16(3), uint8(4))
	f.Fuzz(func(t *testing.T, payload []byte, id uint16, tl0 uint8) {
		v, ok := ParseVP9(payload)
		if !ok {
			return
		}
		var theirs codecs.VP9Packet
		if _, err := theirs.Unmarshal(payload); err == nil {
			if theirs.B != v.Begin || theirs.E != v.End || v.Layered && (theirs.SID != v.Spatial || theirs.TID != v.Temporal) || v.HasPictureID && theirs.PictureID != v.PictureID {
				t.Fatalf("%+v, theirs %+v", v, theirs)
			}
		}
		v.Patch(payload, id&0x7fff, tl0)
		again, ok := ParseVP9(payload)
		if !ok || again.KeyFrame != v.KeyFrame || again.Sizes != v.Sizes || v.HasTL0 && again.TL0PicIdx != tl0 || v.longID && again.PictureID != id&0x7fff {
			t.Fatalf("the patch changed the descriptor: %+v, %+v", v, again)
		}
	})
}
