package opus

import (
	"math"
	"testing"
)

var (
	asSpeech   = EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 5, ExpectedLoss: 10}
	asAnySound = EncoderConfig{Channels: 1, Music: true, Bitrate: 48000, Complexity: 5}
)

// celt reports whether a packet is one of any sound, in CELT mode.
func celt(packet []byte) bool { return packet[0]>>3 >= 16 }

// A change of coding takes effect within two packets. What is decoded stays the tone that was encoded: the difference is
// no larger at changes than it is without them.
func TestConfigureGoesOnWithoutABreak(t *testing.T) {
	const period = 25
	for _, hz := range []float64{223, 437, 2750} {
		enc, err := NewEncoder(asAnySound)
		if err != nil {
			t.Fatal(err)
		}
		dec, _ := NewDecoder(1)
		at, packet := 0, make([]byte, 1275)
		in, out := make([]float32, 8*period*FrameSamples), make([]float32, 8*period*FrameSamples)
		tone(in, hz, &at)
		atChange, usual := 0.0, 0.0
		for i := 0; (i+1)*FrameSamples <= len(in); i++ {
			cfg := asAnySound
			if i/period%2 == 1 {
				cfg = asSpeech
			}
			if err := enc.Configure(cfg); err != nil {
				t.Fatal(err)
			}
			from, to := i*FrameSamples, (i+1)*FrameSamples
			n, err := enc.Encode(in[from:to], packet)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := dec.Decode(packet[:n], out[from:to]); err != nil {
				t.Fatal(err)
			}
			if i%period > 1 && celt(packet) != cfg.Music {
				t.Fatalf("packet %d after the change is coded in the other way", i%period)
			}
			if i < period {
				continue
			}
			noise := 0.0
			for k := from; k < to; k++ {
				noise += math.Pow(float64(out[k]-in[k-EncoderDelay]), 2)
			}
			if i%period < 8 {
				atChange = max(atChange, noise)
			} else {
				usual = max(usual, noise)
			}
		}
		if atChange > 1.3*usual {
			t.Errorf("%v Hz: energy of the difference up to %.4f at changes, %.4f without", hz, atChange, usual)
		}
	}
}

func TestConfigureRefusesOtherChannels(t *testing.T) {
	enc, _ := newPair(t)
	if enc.Configure(EncoderConfig{Channels: 2, Bitrate: 64000}) == nil {
		t.Error("an encoder of mono took settings of stereo")
	}
}

// After Follow, decoders with quite different pasts decode the same, in either coding.
func TestFollowNeedsNoPast(t *testing.T) {
	for name, cfg := range map[string]EncoderConfig{"speech": asSpeech, "any sound": asAnySound} {
		for _, past := range []EncoderConfig{asSpeech, asAnySound} {
			at, other := 0, 0
			sound, noise, packet := make([]float32, FrameSamples), make([]float32, FrameSamples), make([]byte, 1275)
			_, fresh := newPair(t)
			_, used := newPair(t)
			before, _ := NewEncoder(past)
			for range 30 {
				tone(noise, 1300, &other)
				n, _ := before.Encode(noise, packet)
				if _, err := used.Decode(packet[:n], noise); err != nil {
					t.Fatal(err)
				}
			}
			enc, err := NewEncoder(cfg)
			if err != nil {
				t.Fatal(err)
			}
			heard := make([]float32, 5*FrameSamples)
			chirp(heard, &at)
			if err := enc.Follow(heard); err != nil {
				t.Fatal(err)
			}
			a, b := make([]float32, FrameSamples), make([]float32, FrameSamples)
			for i := range 10 {
				chirp(sound, &at)
				n, err := enc.Encode(sound, packet)
				if err != nil {
					t.Fatal(err)
				}
				if !celt(packet) {
					t.Fatalf("%s: packet %d is coded as speech", name, i)
				}
				_, errA := fresh.Decode(packet[:n], a)
				_, errB := used.Decode(packet[:n], b)
				if errA != nil || errB != nil {
					t.Fatal(errA, errB)
				}
				diff := 0.0
				for k := range a {
					diff += math.Pow(float64(a[k]-b[k]), 2)
				}
				if i > 0 && diff > 1e-4*energy(a) {
					t.Errorf("%s after %+v: packet %d decodes to what differs by %.2g of its energy", name, past, i, diff/energy(a))
				}
			}
		}
	}
}
