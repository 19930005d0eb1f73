package lean

import (
	"encoding/binary"
	"sync"

	"github.com/pion/rtp"
)

// Stream is what arrived with one SSRC.
type Stream struct {
	Audio   bool
	Packets uint64
	Bytes   uint64
	highest uint32 // extended sequence number, for reports
	begun   bool
}

// received is what a client gets.
type received struct {
	mu      sync.Mutex
	streams map[uint32]*Stream
	rtx     uint64
	forged  uint64 // samples that could not be decrypted
	delay   struct{ audio, video Histogram }
	header  rtp.Header
	buffer  []byte
}

// sampleEvery is how many packets of a stream go by undecrypted before one is looked into.
const sampleEvery = 16

// handle tells the protocols apart (RFC 7983).
func (c *Conn) handle(datagram []byte, now int64) {
	switch {
	case len(datagram) < 12:
	case datagram[0] <= 3:
		c.handleSTUN(datagram)
	case datagram[0] >= 20 && datagram[0] <= 63:
		c.dtls.Write(datagram, nil) // what does not fit is repeated
	case datagram[0] < 128 || datagram[0] > 191:
	case datagram[1] >= 192 && datagram[1] <= 223:
		c.handleRTCP(datagram)
	default:
		c.handleRTP(datagram, now)
	}
}

// handleRTP counts a packet.
func (c *Conn) handleRTP(datagram []byte, now int64) {
	pt := datagram[1] & 0x7f
	r := &c.received
	r.mu.Lock()
	defer r.mu.Unlock()
	if pt != c.remote.AudioPT && pt != c.remote.VideoPT {
		if pt == c.remote.RTXPT {
			r.rtx++
		}
		return
	}
	ssrc := binary.BigEndian.Uint32(datagram[8:])
	s := r.streams[ssrc]
	if s == nil {
		s = &Stream{Audio: pt == c.remote.AudioPT}
		r.streams[ssrc] = s
	}
	s.Packets++
	s.Bytes += uint64(len(datagram))
	s.follow(binary.BigEndian.Uint16(datagram[2:]))
	if s.Packets%sampleEvery == 0 || s.Audio && c.sink != nil {
		c.look(s, datagram, now)
	}
}

// follow keeps the extended highest sequence number (RFC 3550 appendix A.1).
func (s *Stream) follow(seq uint16) {
	if !s.begun {
		s.begun, s.highest = true, uint32(seq)
		return
	}
	if d := int16(seq - uint16(s.highest)); d > 0 {
		s.highest += uint32(d)
	}
}

// look decrypts a packet and notes how long it was under way, if it says when it was sent. Mixed audio does not.
func (c *Conn) look(s *Stream, datagram []byte, now int64) {
	r := &c.received
	context := c.in.Load()
	if context == nil {
		return
	}
	plain, err := context.DecryptRTP(r.buffer[:0], datagram, &r.header)
	if err != nil {
		r.forged++
		return
	}
	r.buffer = plain
	if s.Audio && c.sink != nil {
		var p rtp.Packet
		if p.Unmarshal(plain) == nil {
			c.sink(p.Payload, now)
		}
	}
	if sent, ok := readStamp(plain); ok {
		if s.Audio {
			r.delay.audio.Add(now - sent)
		} else {
			r.delay.video.Add(now - sent)
		}
	}
}

// Counts is what a client has received since the last Reset.
type Counts struct {
	Audio, Video uint64 // packets
	RTX          uint64 // retransmissions, and probes that are dressed up as such
	Forged       uint64 // of the samples: those that were not genuine
	Streams      int    // SSRCs of which something came
	VideoStreams int
	// How long the samples were under way.
	AudioDelay, VideoDelay Histogram
}

// Counts returns the counts so far.
func (c *Conn) Counts() Counts {
	r := &c.received
	r.mu.Lock()
	defer r.mu.Unlock()
	n := Counts{RTX: r.rtx, Forged: r.forged, AudioDelay: r.delay.audio, VideoDelay: r.delay.video}
	for _, s := range r.streams {
		if s.Packets == 0 {
			continue
		}
		n.Streams++
		if s.Audio {
			n.Audio += s.Packets
		} else {
			n.VideoStreams++
			n.Video += s.Packets
		}
	}
	return n
}

// Reset begins to count anew.
func (c *Conn) Reset() {
	r := &c.received
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.streams {
		s.Packets, s.Bytes = 0, 0
	}
	r.rtx, r.forged = 0, 0
	r.delay.audio, r.delay.video = Histogram{}, Histogram{}
}
