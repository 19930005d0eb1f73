package forwarder

import (
	"carillon/internal/media/bwe"
	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// A receiver is sent this many packets again at once and per second. It is more than a stream loses that is
// still worth watching, and keeps a receiver from making us send without end.
const (
	retransmitBurst   = 300
	retransmitsPerSec = 600
)

// A receiver may name this many packets at once and per second. It is more than all receivers of a stream that
// breaks down do, and keeps a receiver from making us search without end: one datagram has room for 8000 names.
const (
	askBurst   = 3000
	asksPerSec = 6000
)

// retransmitter is the part of a DownTrack that answers NACKs. It is guarded by the DownTrack's mu.
type retransmitter struct {
	buf        []byte // taken with the first NACK
	asks, sent budget
	last       []repeat
}

// repeat says when a packet was sent again.
type repeat struct {
	seq uint16
	at  int64
}

// repeats is how many of them are remembered; a power of two.
const repeats = 256

// due tells whether a packet may be sent again, and remembers that it was.
func (r *retransmitter) due(seq uint16, wait, now int64) bool {
	last := &r.last[seq%repeats]
	if last.at != 0 && last.seq == seq && now-last.at < wait {
		return false
	}
	*last = repeat{seq: seq, at: max(now, 1)}
	return true
}

// budget is how much may still be done, in units times 1e9, as of a moment. The zero value is full.
type budget struct{ left, at int64 }

// take takes one unit, if there is one.
func (b *budget) take(now, burst, perSec int64) bool {
	const unit = 1_000_000_000
	if b.at == 0 {
		b.left = burst * unit
	} else {
		elapsed := min(max(now-b.at, 0), unit)
		b.left = min(b.left+elapsed*perSec, burst*unit)
	}
	b.at = max(now, 1)
	if b.left < unit {
		return false
	}
	b.left -= unit
	return true
}

// retransmit answers a NACK for one packet, by RTX (RFC 4588) if the receiver has it, else by the packet
// itself. What is not in the cache is on its way from the sender, or lost. It is false when the receiver has asked for
// too much, and need not be listened to further.
func (d *DownTrack) retransmit(b *transport.Batch, seq uint16, now int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.rtx.asks.take(now, askBurst, asksPerSec) {
		return false
	}
	d.retransmitLocked(b, seq, false, now)
	return true
}

// replace sends a packet again that is known not to have arrived.
func (d *DownTrack) replace(b *transport.Batch, seq uint16, now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.retransmitLocked(b, seq, true, now)
}

// retransmitLocked sends a packet again. If it is not known to be lost, it may be under way as the answer to an earlier NACK.
func (d *DownTrack) retransmitLocked(b *transport.Batch, seq uint16, lost bool, now int64) {
	ext, ok := d.seq.Reverse(seq)
	if !ok || d.source == nil || d.paused || d.down == nil {
		return
	}
	if d.rtx.buf == nil {
		d.rtx.buf = make([]byte, mediartp.RTXOverhead+maxPayload)
		d.rtx.last = make([]repeat, repeats)
	}
	copies, wait := d.down.repeatable(d, seq)
	if lost {
		wait /= 2 // what waits for its turn has no number yet by which it could be known to be on its way
	}
	if copies == 0 || !d.rtx.due(seq, wait, now) {
		return
	}
	p, ok := d.source.packets.load(ext, d.rtx.buf[mediartp.RTXOverhead:])
	if !ok || p.codec != d.codec || !d.rtx.sent.take(now, retransmitBurst, retransmitsPerSec) {
		return
	}
	whole := d.rtx.buf[mediartp.RTXOverhead:][:int(p.size)+int(p.extra)]
	payload, marker, ok := d.rebuildLocked(&p, whole[:p.size])
	if !ok {
		return
	}
	var descriptor []byte
	if len(payload) > 0 {
		descriptor = d.patchDescriptorLocked(whole[p.size:])
	}
	d.describeLocked(descriptor)
	h := &d.header
	h.SSRC, h.PayloadType, h.SequenceNumber = d.cfg.SSRC, d.pts.PT, seq
	h.Timestamp, h.Marker = d.ts.Peek(p.timestamp), marker
	if d.pts.RTX == 0 || d.cfg.RTXSSRC == 0 {
		if !d.plain.same(h, payload) {
			return
		}
		copies = 1
	} else {
		mediartp.EncapsulateRTX(d.rtx.buf, seq)
		payload = d.rtx.buf[:mediartp.RTXOverhead+len(payload)]
		h.SSRC, h.PayloadType = d.cfg.RTXSSRC, d.pts.RTX
	}
	for range copies {
		_ = d.writeLocked(b, payload, parcel{kind: bwe.KindRetransmission, seq: seq}, now) // what is lost again is asked for again
	}
}

// rebuildLocked makes of the payload of a packet from the cache what was sent when it was new: nothing if its layer was
// left out, so that an empty packet fills its place. It is false when that is not known any more.
func (d *DownTrack) rebuildLocked(p *cachedPacket, payload []byte) (_ []byte, marker, ok bool) {
	marker = p.marker
	if p.layer.layered {
		if was, known := d.layers.at(p.ext); known {
			if !was.includes(p.layer) {
				return nil, false, true
			}
			marker = was.ends(p.marker, p.layer)
		}
	}
	ok = true
	var id uint16
	var tl0 uint8
	switch p.codec.Name {
	case VP8:
		v, _ := mediartp.ParseVP8(payload)
		if id, tl0, ok = d.pictures.Peek(v.Picture()); ok {
			v.Patch(payload, id, tl0)
		}
	case VP9:
		v, _ := mediartp.ParseVP9(payload)
		if id, tl0, ok = d.pictures.Peek(v.Picture()); ok {
			v.Patch(payload, id, tl0)
		}
	}
	return payload, marker, ok
}
