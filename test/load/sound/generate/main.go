// Command generate makes the packets of package sound: something that is like speech to an encoder, a voice with
// syllables of changing vowels, made of harmonics.
package main

import (
	"encoding/binary"
	"log"
	"math"
	"os"

	"carillon/internal/media/opus"
	"carillon/test/load/sound"
)

func main() {
	encoder, err := opus.NewEncoder(opus.EncoderConfig{Channels: 1, Bitrate: 32000, Complexity: 9})
	if err != nil {
		log.Fatal(err)
	}
	var out []byte
	pcm := make([]float32, opus.FrameSamples)
	packet := make([]byte, 1275)
	const warmUp = sound.AllPackets // one round, so that the end joins the beginning
	for i := range warmUp + sound.AllPackets {
		talking := i%sound.AllPackets < sound.SpeechPackets
		for j := range pcm {
			pcm[j] = 0
			if talking {
				pcm[j] = voice(float64(i%sound.AllPackets*opus.FrameSamples+j) / opus.SampleRate)
			}
		}
		n, err := encoder.Encode(pcm, packet)
		if err != nil {
			log.Fatal(err)
		}
		if i < warmUp {
			continue
		}
		level := byte(127)
		if talking {
			level = 0x80 | 25
		}
		out = append(out, level)
		out = binary.BigEndian.AppendUint16(out, uint16(n))
		out = append(out, packet[:n]...)
	}
	if err := os.WriteFile("speech.bin", out, 0o644); err != nil {
		log.Fatal(err)
	}
}

// voice is the sound at t seconds: harmonics of a wavering pitch, shaped by two formants that change with every
// syllable.
func voice(t float64) float32 {
	const syllable = 0.25
	n := math.Floor(t / syllable)
	first, second := 300+90*math.Mod(n*3, 6), 900+270*math.Mod(n*5, 7)
	envelope := 0.25 + 0.75*math.Sin(math.Pi*math.Mod(t, syllable)/syllable)
	pitch := 120 + 15*math.Sin(2*math.Pi*2.3*t)
	sum := 0.0
	for h := 1.0; h*pitch < 4000; h++ {
		f := h * pitch
		gain := 1/(1+math.Pow((f-first)/120, 2)) + 0.5/(1+math.Pow((f-second)/160, 2)) + 0.02
		sum += gain * math.Sin(2*math.Pi*f*t)
	}
	return float32(0.12 * envelope * sum)
}
