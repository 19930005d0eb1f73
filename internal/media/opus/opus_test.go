package opus

import (
	"bytes"
	"math"
	"testing"
)

var testConfig = EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, ExpectedLoss: 10}

// tone continues a sine of the given frequency (Hz) at sample position *at.
func tone(pcm []float32, hz float64, at *int) {
	for i := range pcm {
		pcm[i] = float32(0.3 * math.Sin(2*math.Pi*hz*float64(*at)/SampleRate))
		*at++
	}
}

// chirp is speech-like enough for the speech mode: a gliding, pulsing harmonic sound.
func chirp(pcm []float32, at *int) {
	for i := range pcm {
		t := float64(*at) / SampleRate
		f := 140 + 30*math.Sin(2*math.Pi*1.5*t)
		v := 0.0
		for k := 1.0; k <= 12; k++ {
			v += math.Sin(2*math.Pi*f*k*t) / k
		}
		pcm[i] = float32(0.15 * v * (0.6 + 0.4*math.Sin(2*math.Pi*4*t)))
		*at++
	}
}

func newPair(t testing.TB) (*Encoder, *Decoder) {
	t.Helper()
	enc, err := NewEncoder(testConfig)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	return enc, dec
}

func energy(pcm []float32) (sum float64) {
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum
}

func TestRoundTripKeepsLoudness(t *testing.T) {
	enc, dec := newPair(t)
	in, out, packet := make([]float32, FrameSamples), make([]float32, FrameSamples), make([]byte, 1275)
	at, size := 0, 0
	var ein, eout float64
	for i := range 100 {
		tone(in, 440, &at)
		n, err := enc.Encode(in, packet)
		if err != nil {
			t.Fatal(err)
		}
		size += n
		if got := PacketSamples(packet[:n]); got != FrameSamples {
			t.Fatalf("packet of %d samples, want %d", got, FrameSamples)
		}
		if n, err = dec.Decode(packet[:n], out); err != nil || n != FrameSamples {
			t.Fatalf("decoded %d samples: %v", n, err)
		}
		if i >= 10 {
			ein, eout = ein+energy(in), eout+energy(out)
		}
	}
	if r := eout / ein; r < 0.8 || r > 1.25 {
		t.Errorf("energy ratio %.2f, want about 1", r)
	}
	if rate := size * 8 / 2; rate < 8000 || rate > 48000 {
		t.Errorf("bit rate %d, want about 32000", rate)
	}
}

// TestCopyStateContinuesTheStream shows that a copy makes, bit for bit, the packets the original would
// have made, and that the two are independent afterwards.
func TestCopyStateContinuesTheStream(t *testing.T) {
	original, _ := newPair(t)
	clone, _ := newPair(t)
	in := make([]float32, FrameSamples)
	a, b := make([]byte, 1275), make([]byte, 1275)
	at := 0
	for range 50 {
		chirp(in, &at)
		if _, err := original.Encode(in, a); err != nil {
			t.Fatal(err)
		}
	}
	clone.CopyState(original)
	for i := range 50 {
		chirp(in, &at)
		na, errA := original.Encode(in, a)
		nb, errB := clone.Encode(in, b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if !bytes.Equal(a[:na], b[:nb]) {
			t.Fatalf("frame %d after the copy differs", i)
		}
	}
}

// TestFECRecoversBetterThanConcealment loses every fifth packet of a changing sound.
func TestFECRecoversBetterThanConcealment(t *testing.T) {
	enc, whole := newPair(t)
	_, fec := newPair(t)
	_, plc := newPair(t)
	in := make([]float32, FrameSamples)
	ref, got := make([]float32, FrameSamples), make([]float32, FrameSamples)
	packets := make([][]byte, 202)
	at := 0
	for i := range packets {
		chirp(in, &at)
		packets[i] = make([]byte, 1275)
		n, err := enc.Encode(in, packets[i])
		if err != nil {
			t.Fatal(err)
		}
		packets[i] = packets[i][:n]
	}
	diff := func(d *Decoder, lose func([]float32, []byte) error) (sum float64) {
		whole, _ = NewDecoder(1)
		for i, p := range packets[:len(packets)-1] {
			if _, err := whole.Decode(p, ref); err != nil {
				t.Fatal(err)
			}
			var err error
			if i > 10 && i%5 == 0 {
				err = lose(got, packets[i+1])
				for k := range ref {
					e := float64(ref[k] - got[k])
					sum += e * e
				}
			} else {
				_, err = d.Decode(p, got)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return sum
	}
	withFEC := diff(fec, func(pcm []float32, next []byte) error { return fec.DecodeFEC(next, pcm) })
	withPLC := diff(plc, func(pcm []float32, _ []byte) error { return plc.Conceal(pcm) })
	t.Logf("squared error of lost frames: FEC %.2f, concealment %.2f", withFEC, withPLC)
	if withFEC > withPLC/2 {
		t.Errorf("FEC error %.2f is not well below that of concealment, %.2f", withFEC, withPLC)
	}
}

func TestPacketSamples(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int
	}{
		{nil, 0},
		{[]byte{0x00}, 480},             // SILK narrowband 10 ms
		{[]byte{0x18}, 2880},            // SILK narrowband 60 ms
		{[]byte{0x19}, 5760},            // two of them
		{[]byte{0x1b, 3}, 0},            // three are longer than allowed
		{[]byte{0x03}, 0},               // frame count missing
		{[]byte{0x03, 0}, 0},            // no frames
		{[]byte{0x60}, 480},             // hybrid 10 ms
		{[]byte{0x78}, 960},             // hybrid 20 ms
		{[]byte{0xe0}, 120},             // CELT 2.5 ms
		{[]byte{0xf8, 0xff, 0xfe}, 960}, // CELT 20 ms
		{[]byte{0xfb, 6}, 5760},
		{[]byte{0xfb, 7}, 0},
	} {
		if got := PacketSamples(c.packet); got != c.want {
			t.Errorf("PacketSamples(%x) = %d, want %d", c.packet, got, c.want)
		}
	}
}

// FuzzDecode also checks that PacketSamples agrees with libopus about every packet that decodes.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xf8, 0xff, 0xfe}, []byte{0x78, 1, 2, 3})
	f.Add([]byte{0x1b, 0x83, 0}, []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		_, dec := newPair(t)
		pcm := make([]float32, MaxPacketSamples)
		for _, p := range [][]byte{first, second} {
			if n, err := dec.Decode(p, pcm); err == nil && n != PacketSamples(p) {
				t.Errorf("decoded %d samples of %x, PacketSamples says %d", n, p, PacketSamples(p))
			}
			if len(p) > 0 {
				_ = dec.DecodeFEC(p, pcm[:FrameSamples]) // only must not crash
			}
			if err := dec.Conceal(pcm[:FrameSamples]); err != nil {
				t.Errorf("conceal: %v", err)
			}
		}
	})
}

func TestNoAllocations(t *testing.T) {
	enc, dec := newPair(t)
	in, out, packet := make([]float32, FrameSamples), make([]float32, MaxPacketSamples), make([]byte, 1275)
	at := 0
	allocs := testing.AllocsPerRun(50, func() {
		chirp(in, &at)
		n, _ := enc.Encode(in, packet)
		_, _ = dec.Decode(packet[:n], out)
		_ = dec.DecodeFEC(packet[:n], out[:FrameSamples])
		_ = dec.Conceal(out[:FrameSamples])
	})
	if allocs != 0 {
		t.Errorf("%v allocations per frame, want 0", allocs)
	}
}
