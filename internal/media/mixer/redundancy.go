package mixer

import (
	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// PushRedundant takes an earlier packet of the stream that came again within the packet of header h (RFC 2198); back
// is how much earlier it is, in samples. It fills the gap that the packet has left, if it has left one and its turn
// is not over. To be called after Push of what h itself brought, with the same level. Any goroutine.
func (s *Source) PushRedundant(h *rtp.Header, back int, payload []byte, level uint8) {
	if level > SilentLevel {
		level = UnknownLevel
	}
	s.queue.restore(h, back, payload, level, s.muted.Load())
}

// lateReach is how many packets ago a gap may have been that a longer delay would have filled.
const lateReach = 3

func (q *queue) restore(h *rtp.Header, back int, payload []byte, level uint8, muted bool) {
	samples := opus.PacketSamples(payload)
	if samples == 0 || len(payload) > maxPayload || back <= 0 || back%samples != 0 || back/samples >= slots {
		return
	}
	ts := h.Timestamp - uint32(back)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.joined || q.foreign(h) {
		return
	}
	seq, missed := q.numberOf(ts, h, samples)
	if !missed || q.virgin && int16(seq-q.next) < 0 {
		return
	}
	ahead := int(int16(seq - q.next))
	s := &q.slots[seq%slots]
	switch {
	case ahead >= slots || ahead < -lateReach || s.state != empty && s.seq == seq:
		return
	case ahead < 0:
		q.lowest = 0 // it came, and too late
		return
	case int16(seq-q.newest) > 0:
		return // what h itself brought was not taken
	}
	s.payload = append(s.payload[:0], payload...)
	s.seq, s.ts, s.state, s.level, s.muted = seq, ts, queued, level, muted
	if !q.filling {
		// There is no further packet to wait for behind this one: just in time is early enough.
		q.lowest = min(q.lowest, q.early(ts)+2*samples)
	}
}

// numberOf finds the sequence number that the packet of a timestamp has, which came again within the one of header h; it
// is not missed if it has come itself. Where the sender has made a pause, the packets around it tell on which side of that
// it was. Numbers of padding are not recognised: copies next to it are lost.
func (q *queue) numberOf(ts uint32, h *rtp.Header, samples int) (seq uint16, missed bool) {
	above, aboveTS := h.SequenceNumber, h.Timestamp
	for i := range uint16(slots) {
		n := h.SequenceNumber - 1 - i
		s := &q.slots[n%slots]
		if s.seq != n || s.state != queued && s.state != played {
			continue
		}
		switch off := int32(ts - s.ts); {
		case off == 0:
			return n, false
		case off < 0:
			above, aboveTS = n, s.ts
		default:
			if seq = above - uint16((aboveTS-ts)/uint32(samples)); int16(seq-n) <= 0 {
				seq = n + uint16(off/int32(samples))
			}
			return seq, int16(seq-n) > 0 && int16(above-seq) > 0
		}
	}
	return above - uint16((aboveTS-ts)/uint32(samples)), true
}
