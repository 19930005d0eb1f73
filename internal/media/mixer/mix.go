package mixer

import (
	"carillon/internal/media/opus"
)

// encoderConfig is that of every mix. Complexity 5 costs half of what 9 costs and is hard to tell from
// it in speech.
var encoderConfig = opus.EncoderConfig{Bitrate: 32000, Complexity: 5, ExpectedLoss: 10}

const (
	// maxFrameBytes bounds a packet of 20 ms; at 32 kbit/s they are near 80 bytes and rarely 200.
	maxFrameBytes = 512

	// settled is how many frames of silence are encoded before the last packet is just repeated. By
	// then the encoder has nothing left to say and the packet decodes to silence.
	settled = 25
)

// silentPacket is 20 ms of digital silence (CELT mode, fullband). It stands in if the encoder fails.
const silentPacket = "\xf8\xff\xfe"

// mix is what the sinks that exclude the same talkers hear: an encoder and its last packet.
type mix struct {
	without talkerSet // talkers that are left out
	heard   uint64    // the last step in which a sink heard it
	talk    bool      // somebody is heard in the last packet

	enc     *opus.Encoder // nil if it could not be made
	limiter limiter
	silent  int // frames of silence encoded in a row
	size    int
	buf     [maxFrameBytes]byte
}

func newMix() (*mix, error) {
	enc, err := opus.NewEncoder(encoderConfig)
	return &mix{enc: enc}, err
}

// start makes the mix one without the talkers in set that continues the stream of previous, or begins a
// new stream if previous is nil.
func (m *mix) start(set talkerSet, previous *mix) {
	m.without = set
	if previous != nil && previous.enc != nil && m.enc != nil {
		m.enc.CopyState(previous.enc)
		m.limiter = previous.limiter
		m.silent = previous.silent
		m.size = copy(m.buf[:], previous.packet())
		return
	}
	m.limiter = limiter{}
	m.silent = 0
	m.size = 0
	if m.enc != nil {
		_ = m.enc.Reset() // cannot fail on an encoder that exists
	}
}

// packet returns the last packet.
func (m *mix) packet() []byte { return m.buf[:m.size] }

// encode makes the packet of a frame. It changes pcm. If it fails, the packet is one of silence.
func (m *mix) encode(pcm *[opus.FrameSamples]float32) error {
	if m.enc == nil {
		m.size = copy(m.buf[:], silentPacket)
		return nil
	}
	if m.talk {
		m.silent = 0
	} else if m.silent++; m.silent > settled {
		m.silent = settled + 1
		return nil
	}
	m.limiter.apply(pcm)
	n, err := m.enc.Encode(pcm[:], m.buf[:])
	if err != nil {
		n = copy(m.buf[:], silentPacket)
	}
	m.size = n
	return err
}
