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
	seq := h.SequenceNumber - uint16(back/samples)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.joined || q.foreign(h) || q.virgin && int16(seq-q.next) < 0 {
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
	s.seq, s.state, s.level, s.muted = seq, queued, level, muted
	if !q.filling {
		// There is no further packet to wait for behind this one: just in time is early enough.
		q.lowest = min(q.lowest, (ahead+2)*q.samples+q.spare)
	}
}
