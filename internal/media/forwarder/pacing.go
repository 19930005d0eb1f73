package forwarder

import (
	"encoding/binary"
	"errors"
	"sync"

	"github.com/pion/rtp"

	"carillon/internal/media/bwe"
	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// maxEstimate bounds the bandwidth of a receiver, in bit/s: 25 videos at their best.
const maxEstimate = 100_000_000

// maxHeader is the longest header that we write, in bytes: the fixed part, and extensions of at most 255 bytes
// for the dependency descriptor and little for the others.
const maxHeader = 512

// pacing is the congestion control of one connection: what may be sent to it, and when. Every RTP packet passes it, as
// all are numbered together. The lock is held while a packet is protected, so that packets are protected in
// the order in which they leave.
type pacing struct {
	mu            sync.Mutex
	control       *bwe.Controller
	clock         int64 // the latest time seen: callers' clocks differ a little
	reported      bool  // the receiver has said something about its bandwidth
	scheduled     bool  // Pace is going to be called
	transmissions transmissions
	header        [maxHeader]byte
}

// parcel is what the pacing has to know of a packet.
type parcel struct {
	kind             bwe.Kind
	seq              uint16 // of the packet, or of the one that it repeats
	frame            uint32
	key, discardable bool
}

// errDropped is returned for a packet that others need and that the pacing had no room for.
var errDropped = errors.New("dropped by the pacing")

// errNotAdded is returned until a DownTrack is added to its connection.
var errNotAdded = errors.New("the section belongs to no connection")

func (p *pacing) init(dropped func(*bwe.Packet)) {
	p.control = bwe.NewController(bwe.Config{Max: maxEstimate, Dropped: dropped})
}

// advanceLocked is the present time.
func (p *pacing) advanceLocked(now int64) int64 {
	p.clock = max(p.clock, now)
	return p.clock
}

// send sends the packet of a DownTrack that its header describes, now or when its turn comes. The lock of the
// DownTrack is held.
func (s *Downstream) send(b *transport.Batch, d *DownTrack, payload []byte, m parcel, now int64) error {
	h := &d.header
	p := &s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	now = p.advanceLocked(now)
	if m.kind == bwe.KindVideo && !d.out.spend(h.SequenceNumber) {
		return nil
	}
	fill := d.fill(m.kind, len(payload))
	size := h.MarshalSize() + len(payload) + int(h.PaddingSize+fill)
	var seq uint16
	var ok bool
	if d.cfg.TWCCExt != 0 {
		if seq, ok = p.control.Send(now, m.kind, size); ok {
			p.transmissions.add(seq, m.kind, d.cfg.SSRC, m.seq)
		}
	} else {
		ok = p.control.SendUnnumbered(now, m.kind, size)
	}
	if !ok {
		return s.queueLocked(d, payload, m, now)
	}
	if h.SSRC == d.cfg.RTXSSRC {
		h.SequenceNumber = d.out.nextRTX()
	} else {
		d.out.left(h.SequenceNumber)
	}
	binary.BigEndian.PutUint16(d.transport[:], seq)
	putSendTime(d.sendTime[:], now)
	if fill == 0 {
		return s.cfg.Writer.WriteRTP(b, h, payload)
	}
	h.Padding, h.PaddingSize = true, fill
	err := s.cfg.Writer.WriteRTP(b, h, payload)
	h.Padding, h.PaddingSize = false, 0
	return err
}

// Payloads of pictures that take several packets are padded to a multiple of evenSize. Encoders cut a picture into
// packets whose sizes differ by a byte, and only packets of one size can leave in one segmented send: without the
// padding a picture takes two, and sending is most of what a packet costs.
const (
	evenSize = 8
	evenFrom = 512 // bytes; whoever cuts a picture makes larger ones
	evenTo   = 1200 - evenSize
)

// fill is the padding of a packet. There is none where a packet may be repeated as it was: it must be the same to the
// bit then, whether it leaves at once or waits.
func (d *DownTrack) fill(kind bwe.Kind, payload int) uint8 {
	if kind != bwe.KindVideo || d.plain != nil || payload < evenFrom || payload > evenTo {
		return 0
	}
	return uint8(-payload & (evenSize - 1))
}

func (s *Downstream) queueLocked(d *DownTrack, payload []byte, m parcel, now int64) error {
	p := &s.pace
	n, err := d.header.MarshalTo(p.header[:])
	if err != nil {
		return err
	}
	q := bwe.Packet{Kind: m.kind, Track: d.cfg.SSRC, Seq: m.seq, Frame: m.frame, Key: m.key, Discardable: m.discardable}
	q.TWCC, q.SendTime = d.stamps()
	if !p.control.Queue(now, &q, p.header[:n], payload) {
		if m.kind != bwe.KindVideo {
			return nil // it is asked for again
		}
		d.out.dropped(d.header.SequenceNumber)
		if m.discardable {
			return nil
		}
		return errDropped
	}
	s.scheduleLocked()
	return nil
}

// SendAudio sends an audio packet, at once. sequence is the payload of its header extension for the
// transport-wide sequence number, nil if it has none.
func (s *Downstream) SendAudio(b *transport.Batch, h *rtp.Header, sequence, payload []byte, now int64) error {
	p := &s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	if sequence != nil {
		seq, _ := p.control.Send(p.advanceLocked(now), bwe.KindAudio, h.MarshalSize()+len(payload))
		binary.BigEndian.PutUint16(sequence, seq)
	}
	return s.cfg.Writer.WriteRTP(b, h, payload)
}

// scheduleLocked asks for calls of Pace.
func (s *Downstream) scheduleLocked() {
	if !s.pace.scheduled && s.cfg.Wake != nil {
		s.pace.scheduled = true
		s.cfg.Wake()
	}
}

// beginProbes does what is to be done also while nothing waits; it is to be called about every 20 ms.
func (s *Downstream) beginProbes(now int64) {
	p := &s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.control.Tick(p.advanceLocked(now))
	if p.control.Waiting() || p.control.Probing() {
		s.scheduleLocked()
	}
}

// Pace sends what waits and is due, and probes for bandwidth. After DownstreamConfig.Wake it is to be called every 5 ms,
// by one goroutine, until it is false.
func (s *Downstream) Pace(b *transport.Batch, now int64) (more bool) {
	var broken [32]uint32
	n, probe, more := s.drain(b, now, broken[:])
	tracks := *s.tracks.Load()
	for _, ssrc := range broken[:n] {
		if d := tracks[ssrc]; d != nil {
			d.mend()
		}
	}
	if probe > 0 {
		s.probe(b, tracks, probe, now)
	}
	return more
}

// drain sends what is due. It returns the tracks that lost a frame and the bytes that a probe wants.
func (s *Downstream) drain(b *transport.Batch, now int64, broken []uint32) (n, probe int, more bool) {
	tracks := *s.tracks.Load()
	p := &s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	now = p.advanceLocked(now)
	probe = p.control.Tick(now)
	for {
		q, seq, ok := p.control.Next(now)
		if !ok {
			break
		}
		d := tracks[q.Track]
		if d == nil {
			continue // removed meanwhile
		}
		if q.TWCC != 0 {
			p.transmissions.add(seq, q.Kind, q.Track, q.Seq)
		}
		d.out.stamp(d, q, seq, now)
		_ = s.cfg.Writer.WritePacket(b, q.Data) // not connected any more
	}
	more = p.control.Waiting() || p.control.Probing()
	p.scheduled = more
	return copy(broken, p.control.Broken()), probe, more
}

// probe sends padding on the retransmission stream of any section: receivers count it and throw it away.
func (s *Downstream) probe(b *transport.Batch, tracks map[uint32]*DownTrack, bytes int, now int64) {
	for _, d := range tracks {
		if d.pad(b, bytes, now) {
			return
		}
	}
}

// forget drops what waits of a section, whose lock is held.
func (s *Downstream) forget(d *DownTrack) {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	s.pace.control.Forget(d.cfg.SSRC)
}

// noteDropped is told by the Controller, while the lock is held, of a packet that will not leave.
func (s *Downstream) noteDropped(q *bwe.Packet) {
	if d := (*s.tracks.Load())[q.Track]; d != nil && q.Kind == bwe.KindVideo {
		d.out.dropped(binary.BigEndian.Uint16(q.Data[2:]))
	}
}

// putSendTime writes an abs-send-time: seconds as a 6.18 fixed-point number.
func putSendTime(dst []byte, now int64) {
	t := mediartp.Ticks(now, 1<<18)
	dst[0], dst[1], dst[2] = byte(t>>16), byte(t>>8), byte(t)
}
