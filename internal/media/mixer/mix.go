package mixer

import (
	"errors"

	"carillon/internal/media/opus"
)

const (
	// maxFrameBytes bounds a packet of 20 ms (RFC 6716 section 3.4); at 48 kbit/s they are near 120 bytes.
	maxFrameBytes = 1276

	// earlier is how many packets are remembered, for redundancy.
	earlier = 2

	// settled is how many frames of silence are encoded before the last packet is just repeated. By
	// then the encoder has nothing left to say and the packet decodes to silence.
	settled = 25
)

// faint is the peak below which a frame is as good as silence: 54 dB below full scale.
const faint = 0.002

// silentPacket is 20 ms of digital silence (CELT mode, fullband). It stands in if the encoder fails.
const silentPacket = "\xf8\xff\xfe"

// key is what the sinks that hear the same have in common.
type key struct {
	passed *Source // whose packets are passed on; if there is one, nothing is encoded and the rest is zero

	coding  coding
	without talkerSet // talkers that are left out
	lead    talkerSet // talkers who are heard ahead, see Sink.led
}

// mix is what sinks with the same key hear: an encoder, or somebody's packets, and the last packet.
type mix struct {
	key           // but for coding, from start on
	passes bool   // constant: it passes packets on, and has no encoder
	heard  uint64 // the last step in which a sink heard it
	talk   bool   // somebody is heard in the last packet
	calm   bool   // the last packet is as good as silence, or not of this encoder

	lone    *Source // the only talker in it; nil = nobody or several
	alone   int     // steps for which it has been
	follows *Source // what was passed on of it is to be continued by the encoder

	enc     *opus.Encoder // nil if it could not be made
	limiter limiter
	silent  int // frames of silence encoded in a row
	packets [1 + earlier]packetBuffer
	at      int // of the last packet
}

type packetBuffer struct {
	size int
	buf  [maxFrameBytes]byte
}

func newMix(c coding) (*mix, error) {
	enc, err := opus.NewEncoder(c.encoder())
	return &mix{key: key{coding: c}, enc: enc}, err
}

// start makes the mix one with that key that continues the stream of previous, or begins a new stream if previous is
// nil or of another format.
func (m *mix) start(k key, previous *mix) error {
	m.key = k
	m.limiter = limiter{}
	m.silent, m.calm = 0, m.passes
	m.lone, m.alone, m.follows = nil, 0, nil
	if previous == nil || !m.passes && !previous.passes && previous.coding.Format != m.coding.Format {
		for i := range m.packets {
			m.packets[i].size = 0
		}
		if m.enc == nil {
			return nil
		}
		return errors.Join(m.enc.Configure(m.coding.encoder()), m.enc.Reset())
	}
	return m.resume(previous)
}

// resume makes the mix go on where another one stands.
func (m *mix) resume(previous *mix) error {
	m.packets, m.at = previous.packets, previous.at
	m.follows = previous.passed
	if m.enc == nil {
		return nil
	}
	if previous.passes {
		m.lone, m.alone = previous.passed, aloneFor
	}
	if previous.enc != nil {
		m.enc.CopyState(previous.enc)
		m.limiter = previous.limiter
		m.silent, m.calm = previous.silent, previous.calm
		m.lone, m.alone = previous.lone, previous.alone
	}
	return m.enc.Configure(m.coding.encoder())
}

// count notes who is the only talker of this step, if there is one.
func (m *mix) count(lone *Source) {
	if lone != m.lone {
		m.lone, m.alone = lone, 0
	}
	m.alone++
}

// join makes the mix one that a sink can go on with that has heard previous, whose decoder knows nothing of what this
// stream predicts from: even encoders that have had the same content for long may predict differently.
func (m *mix) join(previous *mix) error {
	if previous == nil || m.enc == nil || m.silent > settled && previous.silent > settled {
		return nil
	}
	m.silent = 0 // or the packet would be the last one once more
	return m.enc.Refresh()
}

// current is the buffer of the last packet.
func (m *mix) current() *packetBuffer { return &m.packets[m.at] }

// next takes the buffer of the oldest packet for a new one.
func (m *mix) next() *packetBuffer {
	m.at = (m.at + 1) % len(m.packets)
	return m.current()
}

// frame fills f with the last packet and those before it.
func (m *mix) frame(f *Frame) {
	f.Packet, f.Talk = m.current().bytes(), m.talk
	for i := range f.Earlier {
		f.Earlier[i] = m.packets[(m.at+len(m.packets)-1-i)%len(m.packets)].bytes()
	}
}

func (b *packetBuffer) bytes() []byte { return b.buf[:b.size] }

// encode makes the packet of a frame, which is of as many channels as the mix. It changes pcm. If it fails, the packet is one of silence.
func (m *mix) encode(pcm []float32) error {
	if m.enc == nil {
		b := m.next()
		b.size = copy(b.buf[:], silentPacket)
		return nil
	}
	if m.talk {
		m.silent = 0
	} else if m.silent++; m.silent > settled {
		m.silent = settled + 1
		last := m.current()
		b := m.next()
		b.size = copy(b.buf[:], last.bytes())
		return nil
	}
	m.calm = m.limiter.apply(pcm, len(pcm)/opus.FrameSamples) < faint
	if m.calm && m.enc.Following() {
		if err := m.enc.Settle(); err != nil {
			return err
		}
	}
	b := m.next()
	n, err := m.enc.Encode(pcm, b.buf[:])
	if err != nil {
		n = copy(b.buf[:], silentPacket)
	}
	b.size = n
	return err
}
