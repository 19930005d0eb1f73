package opus

import (
	"encoding/binary"
	"flag"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

var recording = flag.String("speech", "", "WAV `file`, 48 kHz mono of 16 bits, to measure the quality with in place of a made-up voice")

// voice is n seconds of something like speech: syllables with two formants on a wavering pitch, hissing consonants
// between them, and pauses.
func voice(seconds int) []float32 {
	const syllable = 0.25
	rng := rand.New(rand.NewPCG(7, 8))
	pcm := make([]float32, seconds*SampleRate)
	phase, low := 0.0, 0.0
	for i := range pcm {
		t := float64(i) / SampleRate
		n := math.Floor(t / syllable)
		at := (t - n*syllable) / syllable
		noise := rng.Float64() - 0.5
		hiss := noise - low // a high-pass filter of the first order, at 3 kHz
		low += 0.33 * (noise - low)
		if int(n)%7 == 6 {
			pcm[i] = float32(0.0003 * noise)
			continue
		}
		first, second := 300+90*math.Mod(n*3, 6), 900+270*math.Mod(n*5, 7)
		pitch := 120 + 15*math.Sin(2*math.Pi*2.3*t) + 10*math.Mod(n, 4)
		phase += pitch / SampleRate
		sum := 0.0
		for h := 1.0; h*pitch < 8000; h++ {
			f := h * pitch
			gain := 1/(1+math.Pow((f-first)/120, 2)) + 0.5/(1+math.Pow((f-second)/160, 2)) + 0.1/(1+math.Pow((f-2700)/300, 2)) + 0.004
			sum += gain * math.Sin(2*math.Pi*h*phase)
		}
		vowel := max(0, math.Sin(math.Pi*(at-0.15)/0.85))
		consonant := max(0, 1-at/0.2)
		pcm[i] = float32(0.15*vowel*sum + 0.08*consonant*hiss + 0.0003*noise)
	}
	return pcm
}

// speech is what the quality is measured with.
func speech(t testing.TB) []float32 {
	t.Helper()
	if *recording == "" {
		return voice(2)
	}
	raw, err := os.ReadFile(*recording)
	if err != nil {
		t.Fatal(err)
	}
	const header = 44
	pcm := make([]float32, (len(raw)-header)/2)
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(raw[header+2*i:]))) / 32768
	}
	return pcm
}

// likeness is how much decoded speech is like the original. All but the first are means of distances in dB: less is better.
type likeness struct {
	snr      float64 // dB, mean over 20 ms of the signal-to-noise ratio between -10 and 35
	spectral float64 // of the spectra of 20 ms
	bands    float64 // of the energies in bands as wide as the ear's
	temporal float64 // of the energies of 5 ms, in three wide bands: what is blurred in time shows here
}

const (
	longWindow, shortWindow = 1024, 256
	quiet                   = 1e-6 // mean power, 60 dB below full scale: in pauses any codec is right
)

// compare is about got from delay on.
func compare(want, got []float32, delay int) (l likeness) {
	got = got[delay:]
	long, short := 0.0, 0.0
	for at := 0; at+longWindow <= min(len(want), len(got)); at += FrameSamples {
		w, g := want[at:], got[at:]
		power := energy(w[:FrameSamples])
		if power/FrameSamples < quiet {
			continue
		}
		long++
		noise := 0.0
		for i := range w[:FrameSamples] {
			d := float64(w[i] - g[i])
			noise += d * d
		}
		l.snr += min(35, max(-10, 10*math.Log10(power/(noise+1e-20))))
		ws, gs := spectrum(w, longWindow), spectrum(g, longWindow)
		l.spectral += distance(ws, gs, longWindow)
		l.bands += distance(inBands(ws, critical), inBands(gs, critical), longWindow)
		for k := 0; k < FrameSamples; k += shortWindow / 2 {
			short++
			l.temporal += distance(inBands(spectrum(w[k:], shortWindow), wide), inBands(spectrum(g[k:], shortWindow), wide), shortWindow)
		}
	}
	return likeness{l.snr / long, l.spectral / long, l.bands / long, l.temporal / short}
}

// spectrum is the power by frequency, from 0 to 24 kHz, in a window of that many samples.
func spectrum(pcm []float32, window int) []float64 {
	x := make([]complex128, window)
	for i := range min(window, len(pcm)) {
		x[i] = complex(float64(pcm[i])*(0.5-0.5*math.Cos(2*math.Pi*float64(i)/float64(window))), 0)
	}
	transform(x)
	power := make([]float64, window/2)
	for i := range power {
		power[i] = real(x[i])*real(x[i]) + imag(x[i])*imag(x[i])
	}
	return power
}

// transform is a Fourier transform of a power of two.
func transform(x []complex128) {
	n := len(x)
	if n == 1 {
		return
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range even {
		even[i], odd[i] = x[2*i], x[2*i+1]
	}
	transform(even)
	transform(odd)
	turn, w := cmplx.Rect(1, -2*math.Pi/float64(n)), complex(1, 0)
	for k, v := range odd {
		x[k], x[k+n/2] = even[k]+w*v, even[k]-w*v
		w *= turn
	}
}

// Edges of bands in Hz: those of hearing (Zwicker's critical bands), and of what speech is made of.
var (
	critical = []float64{100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150, 3700, 4400, 5300, 6400, 7700, 9500, 12000}
	wide     = []float64{200, 2000, 6000, 16000}
)

func inBands(power, edges []float64) []float64 {
	bands := make([]float64, len(edges)-1)
	for i, v := range power {
		hz := float64(i) * SampleRate / float64(2*len(power))
		if b := slices.IndexFunc(edges, func(edge float64) bool { return edge > hz }); b > 0 {
			bands[b-1] += v
		}
	}
	return bands
}

// distance is the root of the mean square of the difference in dB. What is 80 dB below a sine of full scale is not heard.
func distance(a, b []float64, window int) float64 {
	floor := float64(window*window) / 16 * 1e-8
	sum := 0.0
	for i := range a {
		d := 10 * math.Log10((a[i]+floor)/(b[i]+floor))
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(a)))
}

// through encodes and decodes pcm and says how many bits that takes.
func through(t testing.TB, cfg EncoderConfig, pcm []float32) (out []float32, bitrate int) {
	t.Helper()
	enc, err := NewEncoder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := NewDecoder(1)
	if err != nil {
		t.Fatal(err)
	}
	packet, frame := make([]byte, 1275), make([]float32, FrameSamples)
	bytes, packets := 0, 0
	for ; len(pcm) >= FrameSamples; pcm = pcm[FrameSamples:] {
		n, err := enc.Encode(pcm[:FrameSamples], packet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(packet[:n], frame); err != nil {
			t.Fatal(err)
		}
		bytes, packets = bytes+n, packets+1
		out = append(out, frame...)
	}
	return out, bytes * 8 * 50 / packets
}

// TestQualityOfSpeech shows that speech keeps more of itself when it is coded as any sound at 48 kbit/s than by the speech
// coder at 32 kbit/s, and no less at the same 40 kbit/s. With a recording (go test -v -run Quality . -speech FILE) it
// also tells what other complexities would do.
func TestQualityOfSpeech(t *testing.T) {
	pcm := speech(t)
	measure := func(cfg EncoderConfig) likeness {
		out, bitrate := through(t, cfg, pcm)
		l := compare(pcm, out, EncoderDelay)
		t.Logf("%+v: SNR %.2f dB, distances %.2f dB in the spectrum, %.2f in bands, %.2f in time; %d bit/s", cfg, l.snr, l.spectral, l.bands, l.temporal, bitrate)
		return l
	}
	speechCoder := func(bitrate, loss int) EncoderConfig {
		return EncoderConfig{Channels: 1, Bitrate: bitrate, Complexity: 5, ExpectedLoss: loss}
	}
	anySound := func(bitrate, complexity int) EncoderConfig {
		return EncoderConfig{Channels: 1, Music: true, Bitrate: bitrate, Complexity: complexity}
	}
	for _, c := range []struct{ before, now EncoderConfig }{
		{speechCoder(32000, 10), anySound(48000, 5)}, {speechCoder(32000, 0), anySound(48000, 5)}, {speechCoder(40000, 10), anySound(40000, 5)},
	} {
		before, now := measure(c.before), measure(c.now)
		const same = 1.02 // nobody hears a difference of 2 %
		if now.snr < before.snr/same || now.spectral > before.spectral*same || now.bands > before.bands*same || now.temporal > before.temporal*same {
			t.Errorf("%+v is worse than %+v", c.now, c.before)
		}
	}
	if *recording == "" {
		return
	}
	for _, complexity := range []int{0, 1, 3, 4, 9} {
		measure(anySound(48000, complexity))
	}
}
