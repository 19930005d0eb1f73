package opus

import (
	"errors"
	"reflect"

	libopus "github.com/hraban/opus"
)

// EncoderConfig holds what may differ between encoders. The rest is fixed: 48 kHz, 20 ms, variable bit rate, and no
// DTX, because receivers count the packets.
type EncoderConfig struct {
	Channels     int  // 1 or 2; the others may change while an encoder is at work
	Music        bool // coded as any sound (CELT), else by the speech coder: it takes fewer bits, a multiple of the CPU, and it alone has in-band FEC
	Bitrate      int  // bit/s
	Complexity   int  // 0..10: CPU against quality
	ExpectedLoss int  // percent of packets; above 0 it makes the encoder spend bits on FEC, and predict less
}

// Encoder makes one continuous stream of 20 ms packets.
type Encoder struct {
	enc   *libopus.Encoder
	cfg   EncoderConfig
	frame int // length of a frame, of all channels
	// state is libopus' encoder state itself. It is one flat block that libopus documents as
	// "position independent and can be freely copied".
	state []byte

	following bool // from Follow to Settle
	alone     bool // the next packet is one without prediction
	waste     [1276]byte
}

// NewEncoder makes an encoder in its initial state.
func NewEncoder(cfg EncoderConfig) (*Encoder, error) {
	// Not AppVoIP: its high-pass filter would shift the phase of what has been filtered by the sender already, and a
	// listener would hear the difference when a talker's own packets give way to the mix.
	enc, err := libopus.NewEncoder(SampleRate, cfg.Channels, libopus.AppAudio)
	if err != nil {
		return nil, err
	}
	if err := enc.SetDTX(false); err != nil {
		return nil, err
	}
	// The binding keeps the state block in a field and offers no way to copy it.
	state := reflect.ValueOf(enc).Elem().FieldByName("mem")
	if !state.IsValid() || state.Type() != reflect.TypeFor[[]byte]() || state.Len() == 0 {
		return nil, errors.New("opus: the binding no longer exposes its encoder state")
	}
	e := &Encoder{enc: enc, cfg: EncoderConfig{Channels: cfg.Channels}, frame: cfg.Channels * FrameSamples, state: state.Bytes()}
	return e, e.Configure(cfg)
}

// Configure changes the settings, of which the number of channels must stay. The stream goes on without a break: from
// one way of coding to the other, libopus adds 5 ms for decoders to fade over with (RFC 6716 section 4.5.1).
func (e *Encoder) Configure(cfg EncoderConfig) error {
	if cfg == e.cfg {
		return nil
	}
	if cfg.Channels != e.cfg.Channels {
		return errControl
	}
	e.cfg = cfg
	return errors.Join(
		e.enc.SetBitrate(cfg.Bitrate),
		e.enc.SetComplexity(cfg.Complexity),
		e.enc.SetPacketLossPerc(cfg.ExpectedLoss),
		e.enc.SetInBandFEC(!cfg.Music),
		e.setSignal(cfg.Music),
	)
}

// Encode encodes FrameSamples samples of each channel into out and returns the length of the packet. The encoder keeps
// within len(out) bytes, if need be by lowering the quality; 1275 is the most it ever uses.
func (e *Encoder) Encode(pcm []float32, out []byte) (int, error) {
	if len(pcm) != e.frame {
		return 0, ErrBuffer
	}
	n, err := e.enc.EncodeFloat32(pcm, out[:len(out):len(out)])
	if e.alone {
		e.alone = false
		err = errors.Join(err, e.setPrediction(true))
	}
	return n, err
}

// Refresh makes the next packet one that decoders can begin with: it predicts nothing from those before it.
func (e *Encoder) Refresh() error {
	e.alone = true
	return e.setPrediction(false)
}

// Reset returns the encoder to its initial state and keeps its settings.
func (e *Encoder) Reset() error {
	e.following, e.alone = false, false
	return errors.Join(e.enc.Reset(), e.setCELT(false), e.setPrediction(true))
}

// Follow makes e continue a stream that another encoder has made and whose state is not known. past is the end of
// what was given to that encoder, at least two frames of it, up to where the next frame begins.
//
// The first packet is one in CELT mode without prediction: decoders begin afresh with it and fade over from what they
// had (RFC 6716 section 4.5), or, if the other encoder was in CELT mode too, need nothing from the past but the
// overlap. The encoder stays in that mode, in which packets carry no forward error correction, until Settle.
func (e *Encoder) Follow(past []float32) error {
	if err := errors.Join(e.enc.Reset(), e.setCELT(true), e.setPrediction(false)); err != nil {
		return err
	}
	for ; len(past) >= e.frame; past = past[e.frame:] {
		if _, err := e.enc.EncodeFloat32(past[:e.frame], e.waste[:]); err != nil {
			return err
		}
	}
	e.following, e.alone = true, true
	return nil
}

// Following reports whether Settle is still to come after Follow.
func (e *Encoder) Following() bool { return e.following }

// Settle lets the encoder go back to the mode it prefers. Its speech coder starts without any past, so this is for a
// moment in which there is nothing much to hear.
func (e *Encoder) Settle() error {
	e.following = false
	return e.setCELT(false)
}

// CopyState makes e continue exactly where from stands, settings included. Both must have as many channels. A receiver that has decoded
// the stream of from so far can go on with the stream of e and notices no change of encoder.
func (e *Encoder) CopyState(from *Encoder) {
	copy(e.state, from.state)
	e.cfg, e.following, e.alone = from.cfg, from.following, from.alone
}
