package rtp

import (
	"testing"

	"carillon/internal/media/rtp/rtptest"
)

// av1Sequence is a sequence header of profile 0 with that size. full adds everything that is optional.
func av1Sequence(width, height uint32, full bool) []byte {
	w := &rtptest.Bits{}
	w.Bits(3, 0).Bits(1, 0).Bits(1, 0)
	if full {
		w.Bits(1, 1).Bits(32, 1).Bits(32, 30).Bits(1, 1).Bits(5, 0b00101) // timing, a number of two bits after two zeros
		w.Bits(1, 1).Bits(5, 9).Bits(32, 1).Bits(5, 9).Bits(5, 9)         // decoder model
		w.Bits(1, 1).Bits(5, 1)                                           // display delay, two operating points
		w.Bits(12, 1).Bits(5, 9).Bits(1, 0).Bits(1, 1).Bits(10, 1).Bits(10, 1).Bits(1, 0).Bits(1, 1).Bits(4, 3)
		w.Bits(12, 1).Bits(5, 5).Bits(1, 0).Bits(1, 0)
	} else {
		w.Bits(1, 0).Bits(1, 0).Bits(5, 0).Bits(12, 0).Bits(5, 5)
	}
	w.Bits(4, 11).Bits(4, 10).Bits(12, width-1).Bits(11, height-1)
	return w.Data
}

func TestParseAV1(t *testing.T) {
	sequence := append([]byte{0x0a, byte(len(av1Sequence(1280, 720, false)))}, av1Sequence(1280, 720, false)...) // with size field
	bare := append([]byte{0x08}, av1Sequence(1280, 720, false)...)
	full := append([]byte{0x08}, av1Sequence(1280, 720, true)...)
	frame := []byte{0x30, 1, 2, 3}
	obu := func(b []byte) []byte { return append([]byte{byte(len(b))}, b...) }
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		payload []byte
		ok      bool
		want    AV1
	}{
		{"empty", nil, false, AV1{}},
		{"delta frame", join([]byte{0x10}, frame), true, AV1{}},
		{"key frame, two OBUs", join([]byte{0x28}, obu(bare), frame), true, AV1{true, Size{1280, 720}}},
		{"key frame, all with length", join([]byte{0x08}, obu(sequence), obu(frame)), true, AV1{true, Size{1280, 720}}},
		{"behind a temporal delimiter", join([]byte{0x38}, obu([]byte{0x10}), obu(bare), frame), true, AV1{true, Size{1280, 720}}},
		{"everything optional", join([]byte{0x28}, obu(full), frame), true, AV1{true, Size{1280, 720}}},
		{"only a frame", join([]byte{0x18}, frame), true, AV1{KeyFrame: true}},
		{"continued", join([]byte{0x98}, bare), true, AV1{}},
		{"length beyond the end", []byte{0x08, 0x7f, 0x08}, true, AV1{KeyFrame: true}},
		{"cut off", join([]byte{0x18}, bare[:4]), true, AV1{KeyFrame: true}},
	} {
		if got, ok := ParseAV1(c.payload); ok != c.ok || got != c.want {
			t.Errorf("%s: %v %+v", c.name, ok, got)
		}
	}
}

func FuzzAV1(f *testing.F) {
	f.Add(append([]byte{0x18, 0x08}, av1Sequence(1280, 720, true)...))
	f.Add([]byte{0x28, 0x02, 0x10, 0x00, 0x30, 1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if a, ok := ParseAV1(payload); ok && !a.KeyFrame && a.Size != (Size{}) {
			t.Fatalf("%+v", a)
		}
	})
}
