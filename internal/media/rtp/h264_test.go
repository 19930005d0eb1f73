package rtp

import (
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bitWriter writes parameter sets for the tests, apart from the reader under test.
type bitWriter struct {
	out  []byte
	bits int
}

func (w *bitWriter) u(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		if w.bits%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[len(w.out)-1] |= byte(v>>i&1) << (7 - w.bits%8)
		w.bits++
	}
}

func (w *bitWriter) ue(v uint32) {
	n := 0
	for x := v + 1; x > 1; x >>= 1 {
		n++
	}
	w.u(0, n)
	w.u(v+1, n+1)
}

// sps writes a parameter set of a profile with the size in macroblocks and the cropping at the right and bottom.
func sps(profile uint32, mbWidth, mbHeight, cropRight, cropBottom uint32) []byte {
	var w bitWriter
	w.u(profile, 8)
	w.u(0, 8)
	w.u(31, 8)
	w.ue(0)
	if profile == 100 {
		w.ue(1) // 4:2:0
		w.ue(0)
		w.ue(0)
		w.u(0, 1)
		w.u(1, 1) // scaling matrix
		for i := range 8 {
			w.u(uint32(i&1), 1)
			if i&1 == 1 {
				w.ue(15) // se(8): the rest of the list repeats
				w.ue(32) // se(-16): next scale is 0
			}
		}
	}
	w.ue(0)
	w.ue(1) // pic_order_cnt_type
	w.u(0, 1)
	w.ue(1)
	w.ue(1)
	w.ue(2)
	w.ue(5)
	w.ue(6)
	w.ue(4)
	w.u(0, 1)
	w.ue(mbWidth - 1)
	w.ue(mbHeight - 1)
	w.u(1, 1)
	w.u(1, 1)
	w.u(1, 1)
	w.ue(0)
	w.ue(cropRight)
	w.ue(0)
	w.ue(cropBottom)
	w.u(0, 1)
	w.u(1, 1)
	// Emulation prevention (H.264 section 7.4.1.1).
	var out []byte
	zeros := 0
	for _, b := range w.out {
		if zeros == 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

func TestSPSSize(t *testing.T) {
	for _, c := range []struct{ profile, mbw, mbh, right, bottom uint32 }{
		{66, 40, 23, 0, 4}, {66, 80, 45, 0, 0}, {66, 120, 68, 0, 4}, {66, 20, 12, 0, 6}, {66, 1, 1, 1, 2}, {100, 80, 45, 0, 0},
	} {
		w, h, ok := spsSize(sps(c.profile, c.mbw, c.mbh, c.right, c.bottom))
		wantW, wantH := int(c.mbw*16-2*c.right), int(c.mbh*16-2*c.bottom)
		if !ok || w != wantW || h != wantH {
			t.Errorf("%+v: %dx%d, %v; want %dx%d", c, w, h, ok, wantW, wantH)
		}
	}
	if _, _, ok := spsSize(sps(66, 1, 1, 200, 0)); ok {
		t.Error("a picture cropped to less than nothing was accepted")
	}
	if _, _, ok := spsSize(sps(66, 40000, 2, 0, 0)); ok {
		t.Error("a picture of 640000 pixels in width was accepted")
	}
	whole := sps(66, 80, 45, 0, 0)
	for n := range len(whole) - 1 {
		if _, _, ok := spsSize(whole[:n]); ok {
			t.Errorf("a parameter set cut to %d of %d bytes was accepted", n, len(whole))
		}
	}
}

func TestParseH264(t *testing.T) {
	set := append([]byte{0x67}, sps(66, 40, 23, 0, 4)...)
	stap := append([]byte{0x78, 0, byte(len(set))}, set...)
	stap = append(stap, 0, 4, 0x68, 0xce, 0x3c, 0x80)
	for _, c := range []struct {
		name     string
		payload  []byte
		sps, idr bool
		w, h     int
	}{
		{"empty", nil, false, false, 0, 0},
		{"single parameter set", set, true, false, 640, 360},
		{"single IDR slice", unhex(t, "65888080"), false, true, 0, 0},
		{"single other slice", unhex(t, "419a0102"), false, false, 0, 0},
		{"STAP-A of both sets", stap, true, false, 640, 360},
		{"STAP-A with IDR", append(append([]byte{}, stap...), 0, 2, 0x65, 0x88), true, true, 640, 360},
		{"STAP-A with a length too large", unhex(t, "7800ff67"), false, false, 0, 0},
		{"STAP-A with a length of zero", unhex(t, "780000000265ff"), false, false, 0, 0},
		{"FU-A, first of IDR", unhex(t, "7c858880"), false, true, 0, 0},
		{"FU-A, middle of IDR", unhex(t, "7c058880"), false, false, 0, 0},
		{"FU-A, last of IDR", unhex(t, "7c458880"), false, false, 0, 0},
		{"FU-A, first of another", unhex(t, "5c819a"), false, false, 0, 0},
		{"FU-A of parameter set", append([]byte{0x7c, 0x87}, set[1:]...), true, false, 640, 360},
		{"FU-A cut off", unhex(t, "7c"), false, false, 0, 0},
	} {
		h := ParseH264(c.payload)
		if h.SPS != c.sps || h.IDR != c.idr || h.Width != c.w || h.Height != c.h {
			t.Errorf("%s: %+v", c.name, h)
		}
	}
}

func FuzzH264(f *testing.F) {
	f.Add(append([]byte{0x67}, sps(66, 40, 23, 0, 4)...))
	f.Add(append([]byte{0x67}, sps(100, 40, 23, 0, 4)...))
	f.Add([]byte{0x78, 0, 2, 0x65, 1, 0, 1, 0x67})
	f.Add([]byte{0x7c, 0x85, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if h := ParseH264(payload); h.Width < 0 || h.Height < 0 || h.Width > 16384 || h.Height > 32768 {
			t.Fatalf("%+v", h)
		}
	})
}

func FuzzRTX(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		seq, original, ok := DecapsulateRTX(payload)
		if ok != (len(payload) >= 2) {
			t.Fatal("padding and packets are confused")
		}
		if ok {
			again := append(make([]byte, RTXOverhead), original...)
			EncapsulateRTX(again, seq)
			if string(again) != string(payload) {
				t.Fatalf("% x became % x", payload, again)
			}
		}
	})
}
