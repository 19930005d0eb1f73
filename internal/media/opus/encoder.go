package opus

import (
	"errors"
	"reflect"

	libopus "github.com/hraban/opus"
)

// EncoderConfig holds what may differ between encoders. The rest is fixed: mono, 48 kHz, 20 ms, tuned
// for speech, variable bit rate, in-band FEC, and no DTX, because receivers count the packets.
type EncoderConfig struct {
	Bitrate      int // bit/s
	Complexity   int // 0..10: CPU against quality
	ExpectedLoss int // percent of packets; above 0 it makes the encoder spend bits on FEC
}

// Encoder makes one continuous stream of 20 ms packets.
type Encoder struct {
	enc *libopus.Encoder
	// state is libopus' encoder state itself. It is one flat block that libopus documents as
	// "position independent and can be freely copied".
	state []byte
}

// NewEncoder makes an encoder in its initial state.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	enc, err := libopus.NewEncoder(SampleRate, 1, libopus.AppVoIP)
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		enc.SetBitrate(cfg.Bitrate),
		enc.SetComplexity(cfg.Complexity),
		enc.SetPacketLossPerc(cfg.ExpectedLoss),
		enc.SetInBandFEC(true),
		enc.SetDTX(false),
	)
	if err != nil {
		return nil, err
	}
	// The binding keeps the state block in a field and offers no way to copy it.
	state := reflect.ValueOf(enc).Elem().FieldByName("mem")
	if !state.IsValid() || state.Type() != reflect.TypeFor[[]byte]() || state.Len() == 0 {
		return nil, errors.New("opus: the binding no longer exposes its encoder state")
	}
	return &Encoder{enc: enc, state: state.Bytes()}, nil
}

// Encode encodes FrameSamples samples into out and returns the length of the packet. The encoder keeps
// within len(out) bytes, if need be by lowering the quality; 1275 is the most it ever uses.
func (e *Encoder) Encode(pcm []float32, out []byte) (int, error) {
	if len(pcm) != FrameSamples {
		return 0, ErrBuffer
	}
	return e.enc.EncodeFloat32(pcm, out[:len(out):len(out)])
}

// Reset returns the encoder to its initial state and keeps its settings.
func (e *Encoder) Reset() error { return e.enc.Reset() }

// CopyState makes e continue exactly where from stands, settings included. A receiver that has decoded
// the stream of from so far can go on with the stream of e and notices no change of encoder.
func (e *Encoder) CopyState(from *Encoder) { copy(e.state, from.state) }
