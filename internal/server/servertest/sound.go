package servertest

import (
	"math"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"carillon/internal/media/opus"
	mediartp "carillon/internal/media/rtp"
)

// frameTime is the duration of one packet.
const frameTime = 20 * time.Millisecond

// loudness is the amplitude of the tones that microphones hear.
const loudness = 0.3

// sendAudio sends 20 ms of the microphone every 20 ms until the peer is closed.
func (p *Peer) sendAudio() {
	encoder, err := opus.NewEncoder(opus.EncoderConfig{Channels: p.channels, Music: p.channels == 2, Bitrate: 32000 * p.channels, Complexity: 1})
	if err != nil {
		p.t.Error(err)
		return
	}
	header := rtp.Header{Version: 2, SequenceNumber: 100, Timestamp: 10000}
	pcm := make([]float32, p.channels*opus.FrameSamples)
	packet := make([]byte, 1275)
	at := 0
	var before []byte
	every(p.ctx, frameTime, func() {
		for c := range p.channels {
			hz := float64(p.pitch[c].Load())
			for i := range opus.FrameSamples {
				pcm[i*p.channels+c] = loudness * float32(math.Sin(2*math.Pi*hz*float64(at+i)/opus.SampleRate))
			}
		}
		at += opus.FrameSamples
		n, err := encoder.Encode(pcm, packet)
		if err != nil {
			p.t.Error(err)
			return
		}
		header.SequenceNumber++
		header.Timestamp += opus.FrameSamples
		payload := packet[:n]
		if p.red {
			payload = mediartp.AppendRED(nil, opusType, packet[:n], [][]byte{before}, opus.FrameSamples)
			before = append([]byte(nil), packet[:n]...)
			if header.SequenceNumber%2 == 0 {
				return // lost
			}
		}
		// Before there is a connection the packet goes nowhere.
		_ = p.microphone.WriteRTP(&rtp.Packet{Header: header, Payload: payload})
	})
}

// Ear decodes an audio stream and hears one channel of it, or both as one.
type Ear struct {
	stream  *Stream
	decoder *opus.Decoder
	channel int
}

// Ear listens to the mix from now on, as mono.
func (p *Peer) Ear() *Ear { return p.ear(1, 0) }

// StereoEar is Ear for one channel: 0 is left, 1 right.
func (p *Peer) StereoEar(channel int) *Ear { return p.ear(2, channel) }

func (p *Peer) ear(channels, channel int) *Ear {
	p.t.Helper()
	decoder, err := opus.NewDecoder(channels)
	must(p.t, err)
	return &Ear{stream: p.Audio(), decoder: decoder, channel: channel}
}

// Listen returns the amplitude of each of the tones in the next 200 ms, silence included: short enough to
// follow changes, long enough to tell tones apart that are 100 Hz and more from each other.
func (e *Ear) Listen(tones ...int) []float64 {
	e.stream.t.Helper()
	var pcm []float32
	for range 10 {
		channels := e.decoder.Channels()
		frame := make([]float32, channels*opus.MaxPacketSamples)
		n, err := e.decoder.Decode(e.stream.Next().Payload, frame)
		if err != nil {
			e.stream.t.Fatalf("the server sent audio that is no Opus: %v", err)
		}
		for i := range n {
			pcm = append(pcm, frame[i*channels+e.channel])
		}
	}
	amplitudes := make([]float64, len(tones))
	for i, hz := range tones {
		amplitudes[i] = amplitude(pcm, float64(hz))
	}
	return amplitudes
}

// amplitude is that of the sine of the given frequency in pcm (Goertzel's algorithm).
func amplitude(pcm []float32, hz float64) float64 {
	k := 2 * math.Cos(2*math.Pi*hz/opus.SampleRate)
	var s1, s2 float64
	for _, v := range pcm {
		s1, s2 = float64(v)+k*s1-s2, s1
	}
	return 2 * math.Sqrt(max(s1*s1+s2*s2-k*s1*s2, 0)) / float64(len(pcm))
}

// ReportLoss sends a receiver report on the stream, as clients do that lose this part of the packets.
func (p *Peer) ReportLoss(s *Stream, part float64) {
	p.t.Helper()
	must(p.t, p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{
		SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: s.SSRC, FractionLost: uint8(part * 256)}},
	}}))
}
