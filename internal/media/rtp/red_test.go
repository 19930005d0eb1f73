package rtp

import (
	"bytes"
	"testing"
)

func TestREDRoundTrip(t *testing.T) {
	long := bytes.Repeat([]byte{7}, 1024)
	for name, c := range map[string]struct {
		earlier [][]byte
		want    [][]byte // oldest first
		step    int
	}{
		"none":           {nil, nil, 960},
		"one":            {[][]byte{{1}}, [][]byte{{1}}, 960},
		"two":            {[][]byte{{1, 2}, {3}}, [][]byte{{3}, {1, 2}}, 960},
		"a gap":          {[][]byte{{1}, nil, {3}}, [][]byte{{1}}, 960},
		"too long":       {[][]byte{long, {1}}, nil, 960},
		"too long ago":   {[][]byte{{1}, {2}}, [][]byte{{1}}, 9000},
		"as long as can": {[][]byte{long[:1023]}, [][]byte{long[:1023]}, 16383},
	} {
		t.Run(name, func(t *testing.T) {
			var r RED
			if !r.Parse(AppendRED(nil, 111, []byte{9, 9}, c.earlier, c.step)) {
				t.Fatal("it cannot be read")
			}
			if r.PayloadType != 111 || !bytes.Equal(r.Primary, []byte{9, 9}) || r.Redundant != len(c.want) {
				t.Fatalf("primary %d %x, %d redundant, want %d", r.PayloadType, r.Primary, r.Redundant, len(c.want))
			}
			for i, b := range r.Blocks[:r.Redundant] {
				if b.PayloadType != 111 || int(b.Back) != c.step*(r.Redundant-i) || !bytes.Equal(b.Payload, c.want[i]) {
					t.Errorf("block %d: %d, %d back, %d bytes", i, b.PayloadType, b.Back, len(b.Payload))
				}
			}
		})
	}
}

func TestREDOfBrowsers(t *testing.T) {
	// Payload type 111 960 units back with 3 bytes, then the primary of 2 bytes.
	payload := []byte{0x80 | 111, 0x0f, 0x00, 0x03, 111, 'a', 'b', 'c', 'x', 'y'}
	var r RED
	if !r.Parse(payload) || r.Redundant != 1 || r.Blocks[0].Back != 960 || string(r.Blocks[0].Payload) != "abc" || string(r.Primary) != "xy" {
		t.Errorf("%+v", r)
	}
}

func TestBrokenRED(t *testing.T) {
	for name, payload := range map[string][]byte{
		"empty":             {},
		"half a header":     {0x80 | 111, 0x0f, 0x00},
		"no primary":        {0x80 | 111, 0x0f, 0x00, 0x00},
		"block too long":    {0x80 | 111, 0x0f, 0x00, 0x03, 111, 'a', 'b'},
		"headers only":      bytes.Repeat([]byte{0xff, 0, 0, 0}, 300),
		"ten blocks of two": append(bytes.Repeat([]byte{0xef, 0, 0, 0}, 10), 111, 1),
	} {
		var r RED
		if r.Parse(payload) {
			t.Errorf("%s is read as %+v", name, r)
		}
	}
}

// FuzzRED checks that what is read lies within the payload, block after block, and can be written again.
func FuzzRED(f *testing.F) {
	f.Add([]byte{111, 1, 2, 3})
	f.Add(AppendRED(nil, 111, []byte{1, 2}, [][]byte{{3}, {4, 5}}, 960))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, payload []byte) {
		var r RED
		if !r.Parse(payload) {
			return
		}
		size := 1 + len(r.Primary)
		for _, b := range r.Blocks[:r.Redundant] {
			size += 4 + len(b.Payload)
		}
		if size != len(payload) {
			t.Errorf("%d bytes of %d are accounted for", size, len(payload))
		}
	})
}
