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
