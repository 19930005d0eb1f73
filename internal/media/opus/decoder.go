package opus

import (
	"errors"

	libopus "github.com/hraban/opus"
)

// ErrBuffer is returned when the caller's sample buffer does not fit the request.
var ErrBuffer = errors.New("opus: sample buffer of a wrong size")

// Decoder turns one sender's packets into samples of one or two channels, whatever each packet is: libopus mixes
// stereo packets down to one channel and gives mono packets out on both.
type Decoder struct {
	dec      *libopus.Decoder
	channels int
}

// NewDecoder makes a decoder in its initial state. channels is 1 or 2.
func NewDecoder(channels int) (*Decoder, error) {
	dec, err := libopus.NewDecoder(SampleRate, channels)
	if err != nil {
		return nil, err
	}
	return &Decoder{dec: dec, channels: channels}, nil
}

// Channels is what was given to NewDecoder.
func (d *Decoder) Channels() int { return d.channels }

// Decode decodes packet into pcm and returns the number of samples. pcm must hold PacketSamples(packet) for each
// channel, and a whole number for both.
func (d *Decoder) Decode(packet []byte, pcm []float32) (int, error) {
	if len(pcm) < PacketSamples(packet)*d.channels || len(pcm)%d.channels != 0 {
		return 0, ErrBuffer
	}
	return d.dec.DecodeFloat32(packet, pcm[:len(pcm):len(pcm)])
}

// DecodeFEC fills pcm, whose length is the duration of the lost packet, from the forward error
// correction data that following, the packet right after the lost one, may carry (RFC 6716 section
// 2.1.7). Without such data it conceals the loss. following is decoded as usual afterwards.
func (d *Decoder) DecodeFEC(following []byte, pcm []float32) error {
	return d.dec.DecodeFECFloat32(following, pcm[:len(pcm):len(pcm)])
}

// Conceal fills pcm, a multiple of 2.5 ms, with a fading continuation of what was decoded last.
func (d *Decoder) Conceal(pcm []float32) error {
	// libopus conceals at most one longest packet at a time and nothing below its shortest frame.
	n := len(pcm) / d.channels
	if n == 0 || len(pcm)%(120*d.channels) != 0 || n > MaxPacketSamples {
		return ErrBuffer
	}
	return d.dec.DecodePLCFloat32(pcm[:len(pcm):len(pcm)])
}
