package rtp

import (
	"bytes"
	"testing"

	"github.com/pion/rtp/codecs"
)

func TestParseVP8(t *testing.T) {
	keyFrame := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41, 1, 2} // 640x360, with scale bits
	cases := []struct {
		name    string
		payload []byte
		ok, key bool
		id      int // -1 = none
		tl0     int
		w, h    int
	}{
		{"empty", nil, false, false, -1, -1, 0, 0},
		{"one byte", []byte{0x10}, false, false, -1, -1, 0, 0},
		{"bare key frame", append([]byte{0x10}, keyFrame...), true, true, -1, -1, 640, 360},
		{"bare delta frame", []byte{0x10, 0x01, 2}, true, false, -1, -1, 0, 0},
		{"second packet", []byte{0x00, 0x00, 2}, true, false, -1, -1, 0, 0},
		{"second partition", []byte{0x11, 0x00, 2}, true, false, -1, -1, 0, 0},
		{"7-bit id", append([]byte{0x90, 0x80, 0x7f}, keyFrame...), true, true, 0x7f, -1, 640, 360},
		{"15-bit id", append([]byte{0x90, 0x80, 0xff, 0xfe}, keyFrame...), true, true, 0x7ffe, -1, 640, 360},
		{"all fields", append([]byte{0x90, 0xe0, 0x81, 0x02, 0x33, 0x20}, keyFrame...), true, true, 0x102, 0x33, 640, 360},
		{"key index only", append([]byte{0x90, 0x10, 0x05}, keyFrame...), true, true, -1, -1, 640, 360},
		{"id cut off", []byte{0x90, 0x80}, false, false, -1, -1, 0, 0},
		{"long id cut off", []byte{0x90, 0x80, 0x80}, false, false, -1, -1, 0, 0},
		{"no frame", []byte{0x90, 0xe0, 0x81, 0x02, 0x33, 0x20}, false, false, -1, -1, 0, 0},
		{"short key frame", []byte{0x10, 0x00, 0, 0}, true, true, -1, -1, 0, 0},
	}
	for _, c := range cases {
		v, ok := ParseVP8(c.payload)
		if ok != c.ok || ok && v.KeyFrame != c.key {
			t.Errorf("%s: ok %v, key frame %v", c.name, ok, v.KeyFrame)
		}
		if !ok {
			continue
		}
		if v.HasPictureID != (c.id >= 0) || c.id >= 0 && int(v.PictureID) != c.id {
			t.Errorf("%s: picture id %v %d", c.name, v.HasPictureID, v.PictureID)
		}
		if v.HasTL0 != (c.tl0 >= 0) || c.tl0 >= 0 && int(v.TL0PicIdx) != c.tl0 {
			t.Errorf("%s: TL0PICIDX %v %d", c.name, v.HasTL0, v.TL0PicIdx)
		}
		if v.Width != c.w || v.Height != c.h {
			t.Errorf("%s: %dx%d", c.name, v.Width, v.Height)
		}
	}
}

func TestPictureMapStaysContinuous(t *testing.T) {
	var m PictureMap
	packet := func(id uint16, tl0 uint8) VP8 {
		v, ok := ParseVP8([]byte{0x90, 0xc0, 0x80 | byte(id>>8), byte(id), tl0, 1})
		if !ok || v.PictureID != id || v.TL0PicIdx != tl0 {
			t.Fatalf("bad packet: %+v", v)
		}
		return v
	}
	expect := func(v VP8, id uint16, tl0 uint8) {
		t.Helper()
		if gotID, gotTL0 := m.Map(v.Picture()); gotID != id || gotTL0 != tl0 {
			t.Fatalf("(%d, %d) became (%d, %d), want (%d, %d)", v.PictureID, v.TL0PicIdx, gotID, gotTL0, id, tl0)
		}
	}
	v := packet(0x7ffe, 254)
	m.Start(v.Picture())
	expect(v, 0x7ffe, 254) // the only source keeps its ids
	expect(packet(0x7fff, 255), 0x7fff, 255)
	expect(packet(0, 0), 0, 0)
	expect(packet(0x7fff, 255), 0x7fff, 255) // late
	v = packet(500, 9)
	m.Start(v.Picture())
	expect(v, 1, 1)
	expect(packet(501, 9), 2, 1)
	v = packet(3, 200)
	m.Start(v.Picture())
	expect(v, 3, 2)
}

func TestVP8PatchReadsBack(t *testing.T) {
	for _, payload := range [][]byte{
		{0x90, 0xe0, 0x81, 0x02, 0x33, 0x20, 0x01, 7, 7},
		{0x90, 0xc0, 0x11, 0x33, 0x01, 7, 7},
	} {
		v, ok := ParseVP8(payload)
		if !ok {
			t.Fatal("cannot parse")
		}
		body := bytes.Clone(payload[len(payload)-3:])
		v.Patch(payload, 0x55, 0x66)
		var theirs codecs.VP8Packet // an independent parser
		rest, err := theirs.Unmarshal(payload)
		if err != nil || theirs.PictureID != 0x55 || theirs.TL0PICIDX != 0x66 || !bytes.Equal(rest, body) {
			t.Errorf("after the patch: id %d, tl0 %d, payload % x, %v", theirs.PictureID, theirs.TL0PICIDX, rest, err)
		}
	}
}

func FuzzVP8(f *testing.F) {
	f.Add([]byte{0x90, 0xe0, 0x81, 0x02, 0x33, 0x20, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41}, uint16(3), uint8(4))
	f.Add([]byte{0x90, 0x80}, uint16(3), uint8(4))
	f.Fuzz(func(t *testing.T, payload []byte, id uint16, tl0 uint8) {
		v, ok := ParseVP8(payload)
		if !ok {
			return
		}
		v.Patch(payload, id&0x7fff, tl0)
		again, ok := ParseVP8(payload)
		if !ok || again.HasPictureID != v.HasPictureID || again.KeyFrame != v.KeyFrame {
			t.Fatalf("the patch changed the descriptor: %+v, %+v", v, again)
		}
		if v.HasTL0 && again.TL0PicIdx != tl0 || v.longID && again.PictureID != id&0x7fff {
			t.Fatalf("patched (%d, %d), read (%d, %d)", id, tl0, again.PictureID, again.TL0PicIdx)
		}
	})
}
