package mixer

import (
	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// A sender with DTX (RFC 7587 section 3.1.3) sends nothing while it has nothing to say, but for a packet now and then
// that tells how its silence sounds. Browsers send such a one every 420 ms and one of a single byte after it. Sequence
// numbers go on over such a pause, timestamps jump.
const (
	// dtxBytes is the most that packets have in which nothing is coded. They begin a pause.
	dtxBytes = 2
	// longestRest is how long a pause is believed in without a packet, in samples: longer than if one of them is lost.
	longestRest = opus.SampleRate
)

// pauses gives out a piece of a pause if there is one now, and reports whether there is no packet to give out.
func (q *queue) pauses(p *popped, d demand) bool {
	q.skipPadding()
	if q.depth() <= 0 {
		q.starve(p)
		return true
	}
	left := q.gap() - q.idle
	if left <= 0 {
		return false
	}
	q.filling, q.virgin = false, false
	if left = q.bend(left, d); left <= 0 {
		return false
	}
	p.kind, p.samples = pause, min(left, opus.FrameSamples)
	q.idle += p.samples
	return true
}

// starve is for when there is nothing in the queue. The next packet will tell how long the sender has paused.
func (q *queue) starve(p *popped) {
	if !q.joined {
		return
	}
	if !q.filling && !q.rests() {
		q.fill()
	}
	if !q.filling {
		p.kind, p.samples = pause, opus.FrameSamples
	}
	q.idle += opus.FrameSamples
}

// rests reports whether the sender has said that it pauses, and nothing has come since.
func (q *queue) rests() bool { return q.resting && q.depth() <= 0 && q.idle < longestRest }

// early is how long before its turn a packet comes, in samples.
func (q *queue) early(ts uint32) int { return int(int32(ts-q.ts)) - q.idle + q.spare }

// gap is how long the sender has paused before the next packet that is there. Packets that are missing before it are
// taken as sent at the end of the pause.
func (q *queue) gap() int {
	missing := 0
	for seq := q.next; int16(q.newest-seq) >= 0; seq++ {
		switch s := &q.slots[seq%slots]; {
		case s.seq != seq || s.state != queued && s.state != padding:
			missing++
		case s.state == queued:
			return int(int32(s.ts-q.ts)) - missing*q.samples
		}
	}
	return 0
}

// bend makes what is left of a pause shorter or longer where the delay is to change: nobody hears that.
func (q *queue) bend(left int, d demand) int {
	change := 0
	switch delay := int(int32(q.newestTS-q.ts)) - q.idle + q.samples; {
	case delay > maxDelay:
		change = q.needed() - delay
	case q.surplus > 0:
		change = -q.surplus * q.samples
		q.surplus = 0
	case q.short && d.spare == 0:
		change = q.samples
		q.short = false
	}
	change = max(change, -left)
	q.idle -= change
	return left + change
}

// resume is for the first packet that comes when there is none in the queue. If it was sent after a pause and its turn
// is over, the turns of those behind it would be, too: so playing waits as it does at the start.
func (q *queue) resume() {
	gap := q.gap()
	if q.filling && gap <= 0 {
		return // there was no pause: the network is slow
	}
	q.filling = false
	if gap < q.idle {
		q.idle = gap - (q.needed() - q.samples)
	}
}

// comfort reports whether the packet to play now belongs to a pause: it codes nothing, or tells how silence sounds. Such
// a one comes after a pause, as the first of speech does, but another pause follows.
func (q *queue) comfort(s *slot) bool {
	if len(s.payload) <= dtxBytes {
		return true
	}
	after := &q.slots[(s.seq+1)%slots]
	return (q.resting || q.idle > 0) && after.holds(s.seq+1) && (len(after.payload) <= dtxBytes || !q.goesOn(s))
}

// precedesPause reports whether nothing is to be expected after the packet to play now: it codes nothing, or came after a
// pause and nothing has followed it.
func (q *queue) precedesPause(s *slot) bool {
	return len(s.payload) <= dtxBytes || (q.resting || q.idle > 0) && q.last(s)
}

// last reports whether nothing but padding has come after a packet.
func (q *queue) last(s *slot) bool {
	for seq := s.seq + 1; int16(q.newest-seq) >= 0; seq++ {
		if after := &q.slots[seq%slots]; after.state != padding || after.seq != seq {
			return false
		}
	}
	return true
}

// goesOn reports whether the packet after that one is there, and the sender has made no pause between them.
func (q *queue) goesOn(s *slot) bool {
	after := &q.slots[(s.seq+1)%slots]
	return after.holds(s.seq+1) && int(int32(after.ts-s.ts)) <= opus.PacketSamples(s.payload)
}

// holds reports whether the slot has the packet of that number, to be played.
func (s *slot) holds(seq uint16) bool { return s.state == queued && s.seq == seq }

// pad notes a packet without audio, which a browser sends to find out how much its line carries. It takes a sequence
// number, which would be missing otherwise.
func (q *queue) pad(h *rtp.Header) {
	seq := h.SequenceNumber
	ahead := int(int16(seq - q.next))
	if !q.joined || q.foreign(h) || ahead < 0 || ahead >= slots {
		return
	}
	s := &q.slots[seq%slots]
	if s.state != empty && s.seq == seq {
		return
	}
	s.seq, s.state = seq, padding
	if int16(seq-q.newest) > 0 {
		q.newest, q.newestTS = seq, h.Timestamp
	}
}

// skipPadding goes on to the next packet with audio.
func (q *queue) skipPadding() {
	for q.joined && q.depth() > 0 {
		if s := &q.slots[q.next%slots]; s.state != padding || s.seq != q.next {
			return
		}
		q.next++
	}
}
