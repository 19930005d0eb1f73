package mixer

import (
	"errors"
	"math"
	"testing"

	libopus "github.com/hraban/opus"
	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// sound is a function from time in seconds to a sample.
type sound func(t float64) float64

func tone(hz float64) sound {
	return func(t float64) float64 { return 0.2 * math.Sin(2*math.Pi*hz*t) }
}

// bursts lets a sound through for the first half of each period of the given seconds.
func bursts(s sound, period float64) sound {
	return func(t float64) float64 {
		if math.Mod(t, period) < period/2 {
			return s(t)
		}
		return 0
	}
}

// sentPacket is one that a sender has made.
type sentPacket struct {
	header  rtp.Header
	payload []byte
	level   uint8
}

// sender is a client that sends Opus.
type sender struct {
	t        testing.TB
	sound    sound
	right    sound // of the right channel; nil: as the left one
	channels int
	samples  int // per packet
	unknown  bool
	enc      *libopus.Encoder
	header   rtp.Header
	at       int // samples sent
}

func newSender(t testing.TB, s sound) *sender { return newSenderOf(t, s, opus.FrameSamples, 1) }

// newStereoSender sends music as browsers do: 128 kbit/s.
func newStereoSender(t testing.TB, left, right sound) *sender {
	t.Helper()
	s := newSenderOf(t, left, opus.FrameSamples, 2)
	s.right = right
	if err := errors.Join(s.enc.SetBitrate(MaxBitrate), s.enc.SetPacketLossPerc(0)); err != nil {
		t.Fatal(err)
	}
	return s
}

func newSenderOf(t testing.TB, s sound, samples, channels int) *sender {
	t.Helper()
	application := libopus.AppVoIP
	if channels == 2 {
		application = libopus.AppAudio // as browsers have it
	}
	enc, err := libopus.NewEncoder(opus.SampleRate, channels, application)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{enc.SetBitrate(32000 * channels), enc.SetInBandFEC(true), enc.SetPacketLossPerc(20), enc.SetComplexity(3)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &sender{t: t, sound: s, channels: channels, samples: samples, enc: enc,
		header: rtp.Header{Version: 2, PayloadType: 111, SSRC: 1, SequenceNumber: 1000, Timestamp: 50000}}
}

// next makes the next packet.
func (s *sender) next() sentPacket {
	s.t.Helper()
	pcm := make([]float32, s.samples*s.channels)
	for i := range s.samples {
		at := float64(s.at+i) / opus.SampleRate
		v := float32(s.sound(at))
		for c := range s.channels {
			pcm[i*s.channels+c] = v
		}
		if s.right != nil {
			pcm[i*s.channels+1] = float32(s.right(at))
		}
	}
	level, _ := measure(pcm)
	if s.unknown {
		level = UnknownLevel
	}
	payload := make([]byte, maxPayload)
	n, err := s.enc.EncodeFloat32(pcm, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	p := sentPacket{header: s.header, payload: payload[:n], level: level}
	s.header.SequenceNumber++
	s.header.Timestamp += uint32(s.samples)
	s.at += s.samples
	return p
}

func push(s *Source, packets ...sentPacket) {
	for _, p := range packets {
		s.Push(&p.header, p.payload, p.level)
	}
}

// listener decodes what a sink gets and remembers all of it.
type listener struct {
	t      testing.TB
	dec    *opus.Decoder
	pcm    []float32 // of the left channel in stereo
	right  []float32 // in stereo
	stereo int       // packets that are stereo
	bytes  int       // of all packets
	frames int
	talk   int
}

func newListener(t testing.TB) *listener       { return newListenerOf(t, 1) }
func newStereoListener(t testing.TB) *listener { return newListenerOf(t, 2) }

func newListenerOf(t testing.TB, channels int) *listener {
	t.Helper()
	dec, err := opus.NewDecoder(channels)
	if err != nil {
		t.Fatal(err)
	}
	return &listener{t: t, dec: dec}
}

func (l *listener) hear(frame []byte, talk bool) {
	l.t.Helper()
	var buf [2 * opus.FrameSamples]float32
	pcm := buf[:l.dec.Channels()*opus.FrameSamples]
	n, err := l.dec.Decode(frame, pcm)
	if err != nil || n != opus.FrameSamples {
		l.t.Fatalf("frame %x: %d samples, %v", frame, n, err)
	}
	for i := 0; i < len(pcm); i += l.dec.Channels() {
		l.pcm = append(l.pcm, pcm[i])
		if l.dec.Channels() == 2 {
			l.right = append(l.right, pcm[i+1])
		}
	}
	if opus.Stereo(frame) {
		l.stereo++
	}
	l.bytes += len(frame)
	l.frames++
	if talk {
		l.talk++
	}
}

// last returns the last n seconds.
func (l *listener) last(n float64) []float32 { return ending(l.pcm, n) }

func ending(pcm []float32, n float64) []float32 { return pcm[len(pcm)-int(n*opus.SampleRate):] }

// step runs one step of a room whose sinks are owned by listeners, and checks that each gets one frame.
func step(t testing.TB, r *Room) {
	t.Helper()
	got := map[*Sink]int{}
	r.Step(func(s *Sink, f *Frame) {
		got[s]++
		if l, ok := s.Owner().(*listener); ok {
			l.hear(f.Packet, f.Talk)
		}
	})
	for _, s := range r.members.Load().sinks {
		if got[s] != 1 {
			t.Fatalf("a sink got %d frames in one step", got[s])
		}
	}
}

// amplitude is that of the sine of the given frequency in pcm (Goertzel's algorithm).
func amplitude(pcm []float32, hz float64) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/opus.SampleRate)
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)+k*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - k*s1*s2
	return 2 * math.Sqrt(max(power, 0)) / float64(len(pcm))
}

func rms(pcm []float32) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// weakest returns the lowest loudness of any 20 ms in pcm.
func weakest(pcm []float32) float64 {
	low := math.Inf(1)
	for len(pcm) >= opus.FrameSamples {
		low = min(low, rms(pcm[:opus.FrameSamples]))
		pcm = pcm[opus.FrameSamples:]
	}
	return low
}

func wantTone(t *testing.T, who string, pcm []float32, hz float64, audible bool) {
	t.Helper()
	a := amplitude(pcm, hz)
	if audible && (a < 0.14 || a > 0.28) {
		t.Errorf("%s hears %v Hz at amplitude %.4f, want about 0.2", who, hz, a)
	}
	if !audible && a > 0.004 {
		t.Errorf("%s hears %v Hz at amplitude %.4f, want nothing", who, hz, a)
	}
}
