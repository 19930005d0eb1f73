package mixer

import (
	"sync"

	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// Bounds of the jitter queue. Durations are in samples at 48 kHz.
const (
	slots      = 32   // packets, 640 ms of the usual 20 ms ones; a power of two
	maxPayload = 1500 // bytes; longer ones cannot have come in one datagram

	startDelay = 2 * opus.FrameSamples  // 40 ms: queued before playing starts
	maxDelay   = 10 * opus.FrameSamples // 200 ms: more is cut at once
	window     = 3 * opus.SampleRate    // the delay is judged by its minimum over 3 s
	urgent     = 3                      // this many packets too many are merged away even in speech

	reach    = 100                  // packets from further back are not late but of another stream
	maxPause = 10 * opus.SampleRate // a timestamp this far off is of another stream

	preroll = 4 // packets decoded ahead when decoding begins
)

// Slot states.
const (
	empty   = iota
	queued  // to be played
	played  // kept for preroll
	padding // a packet without audio has had this number
)

// slot holds the packet with a sequence number that is its index modulo slots.
type slot struct {
	payload []byte // grows to the size of the stream's packets and is reused
	seq     uint16
	ts      uint32
	state   uint8
	level   uint8
	muted   bool // pushed while the source was muted
}

// queue is a jitter queue: it takes the packets of one RTP stream as the network brings them and gives
// them out in order, at the pace at which pop is called.
//
// There is no clock. The delay starts at 40 ms. If the queue runs empty, playing pauses until 40 ms
// have gathered again, so a jittery network and a sender whose clock is slow lengthen the delay by
// themselves. If every packet of 3 s came earlier than needed, one is dropped, in silence if possible:
// that is how the delay shrinks again, and how a fast clock is compensated. If one came too late, a
// frame is inserted in the next silence. In a pause that the sender makes (pause.go) time goes on, so the delay stays.
type queue struct {
	mu    sync.Mutex
	slots [slots]slot

	// the stream
	ssrc     uint32
	joined   bool   // a first packet has come
	next     uint16 // sequence number to play next
	newest   uint16 // highest sequence number queued; next-1 when there is none
	newestTS uint32
	samples  int    // duration of the newest packet
	epoch    uint32 // counts streams; the decoder starts afresh with each

	// pauses
	ts      uint32 // timestamp of the packet to play next if the sender makes no pause before it
	idle    int    // samples without a packet since the last one was played; below 0 to wait longer
	resting bool   // after the last packet played a pause was to be expected

	// first sequence number of what may be a new stream (RFC 3550 appendix A.1)
	candidateSSRC uint32
	candidateSeq  uint16
	candidate     bool

	// playing
	filling bool // waiting for startDelay
	virgin  bool // nothing played since the stream started or was cut
	lowest  int  // minimum in this window of how early packets came, their own duration included
	elapsed int  // played in this window
	surplus int  // packets to drop
	short   bool // a frame of silence is to be inserted
	spare   int  // of the last pop
}

// push queues a packet. It copies the payload.
func (q *queue) push(h *rtp.Header, payload []byte, level uint8, muted bool) {
	samples := opus.PacketSamples(payload)
	if samples == 0 && len(payload) > 0 || len(payload) > maxPayload {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if samples == 0 {
		q.pad(h)
		return
	}
	seq := h.SequenceNumber
	if !q.joined || q.foreign(h) {
		if !q.admit(h) {
			return
		}
	}
	q.skipPadding()
	dry := q.depth() <= 0
	ahead := int(int16(seq - q.next))
	switch {
	case ahead < 0 && q.virgin && int(int16(q.newest-seq)) < slots:
		q.next, q.ts = seq, h.Timestamp // the first packets came out of order
	case ahead < 0:
		q.late(seq)
		return
	case ahead >= slots:
		q.cut(seq, h.Timestamp) // after an outage
	}
	s := &q.slots[seq%slots]
	if s.state != empty && s.seq == seq {
		return // duplicate
	}
	s.payload = append(s.payload[:0], payload...)
	s.seq, s.ts, s.state, s.level, s.muted = seq, h.Timestamp, queued, level, muted
	if int16(seq-q.newest) > 0 {
		q.newest, q.newestTS, q.samples = seq, h.Timestamp, samples
	}
	if dry {
		q.resume()
	}
	if !q.filling {
		q.lowest = min(q.lowest, q.early(h.Timestamp)+samples)
	}
}

// foreign reports whether the packet does not continue the stream.
func (q *queue) foreign(h *rtp.Header) bool {
	if h.SSRC != q.ssrc || int16(h.SequenceNumber-q.next) < -reach {
		return true
	}
	expected := q.newestTS + uint32(int32(int16(h.SequenceNumber-q.newest))*int32(q.samples))
	off := int32(h.Timestamp - expected)
	return off > maxPause || off < -maxPause
}

// admit reports whether a packet that does not continue the stream starts a new one. The first of all
// does; later ones must come as two in a row, or stragglers of the old stream would throw us back.
func (q *queue) admit(h *rtp.Header) bool {
	if q.joined && !(q.candidate && q.candidateSSRC == h.SSRC && q.candidateSeq == h.SequenceNumber) {
		q.candidate, q.candidateSSRC, q.candidateSeq = true, h.SSRC, h.SequenceNumber+1
		return false
	}
	q.joined, q.candidate = true, false
	q.ssrc = h.SSRC
	q.epoch++
	q.newestTS = h.Timestamp
	q.cut(h.SequenceNumber, h.Timestamp)
	return true
}

// cut empties the queue and makes seq, of that timestamp, the next to play.
func (q *queue) cut(seq uint16, ts uint32) {
	for i := range q.slots {
		q.slots[i].state = empty
	}
	q.next, q.newest, q.ts = seq, seq-1, ts
	q.virgin, q.resting, q.idle = true, false, 0
	q.fill()
}

// fill makes playing wait for startDelay.
func (q *queue) fill() {
	q.filling = true
	q.surplus, q.short = 0, false
	q.lowest, q.elapsed = maxDelay, 0
}

// late notes a packet whose turn is over: the delay is too small.
func (q *queue) late(seq uint16) {
	if s := &q.slots[seq%slots]; s.state != empty && s.seq == seq {
		return // a duplicate of one that was played
	}
	q.lowest = 0
}

// depth is the duration of what is queued, gaps included.
func (q *queue) depth() int { return int(int16(q.newest-q.next)+1) * q.samples }

// needed is the depth at which playing starts: more than one packet, and at least 40 ms.
func (q *queue) needed() int { return max(startDelay, q.samples+opus.FrameSamples) }

// Results of pop.
const (
	nothing  = iota // no packet: the queue waits
	inserted        // no packet, so that the delay grows: it is silent just now
	packet          // payload, level and muted are set
	lost            // the packet did not come; payload is the following one, if that did
	pause           // the sender sends nothing
)

// popped is the result of pop. Its buffers are reused.
type popped struct {
	kind    int
	payload []byte
	samples int // duration of the packet, as far as known if lost, or of a piece of a pause
	level   uint8
	muted   bool
	merge   bool // the delay is to be shortened: merge this packet with the one after it
	epoch   uint32

	preroll  [preroll][]byte // packets before this one, oldest first
	prerolls int
}

// demand tells pop about the decoding side.
type demand struct {
	cold   bool // the packet before was not decoded: if this one is to be, some before it come along
	narrow bool // the same for a stereo packet: the decoder is of mono
	quiet  bool // what is played just now is quiet, in case the packet's level is unknown
	again  bool // for the second packet of a merge: take it as it is
	spare  int  // samples that were taken before their time and will be given back
}

// pop takes the next packet out.
func (q *queue) pop(p *popped, d demand) {
	p.kind, p.payload, p.prerolls, p.merge = nothing, p.payload[:0], 0, false
	q.mu.Lock()
	defer q.mu.Unlock()
	p.epoch = q.epoch
	q.spare = d.spare
	if q.pauses(p, d) || !q.ready() {
		return
	}
	q.judge()
	s := &q.slots[q.next%slots]
	if s.state != queued || s.seq != q.next {
		p.kind, p.samples = lost, q.samples
		q.next++
		q.ts += uint32(q.samples)
		q.resting = false
		if f := &q.slots[q.next%slots]; f.state == queued && f.seq == q.next && !f.muted {
			p.payload = append(p.payload, f.payload...)
		}
		return
	}
	quiet := d.quiet
	if s.level <= SilentLevel {
		quiet = s.level >= quietLevel
	}
	switch {
	case d.again:
	case q.short && quiet && d.spare == 0:
		q.short = false
		p.kind = inserted
		return
	case q.surplus > 0 && quiet && q.depth() > q.needed() && q.goesOn(s):
		q.surplus--
		s.state = played
		q.next++
		s = &q.slots[q.next%slots]
	case q.surplus >= urgent:
		q.surplus--
		p.merge = true
	}
	p.kind, p.samples, p.level, p.muted = packet, opus.PacketSamples(s.payload), s.level, s.muted
	p.payload = append(p.payload, s.payload...)
	if q.comfort(s) {
		p.level = SilentLevel
	}
	if (d.cold || d.narrow && opus.Stereo(s.payload)) && !s.muted && (p.level < speechLevel || p.level > SilentLevel) {
		q.collectPreroll(p)
	}
	s.state = played
	q.next++
	q.resting = q.precedesPause(s)
	q.ts, q.idle = s.ts+uint32(p.samples), 0
}

// ready reports whether there is something to play.
func (q *queue) ready() bool {
	depth := q.depth()
	if q.filling {
		if depth < q.needed() {
			return false
		}
		q.filling, q.idle = false, 0
	}
	q.virgin = false
	if excess := depth - q.needed(); depth > maxDelay && excess >= q.samples {
		q.next += uint16(excess / q.samples)
		q.ts += uint32(excess / q.samples * q.samples)
	}
	return true
}

// judge looks at the end of each window whether packets came earlier than needed, or later.
func (q *queue) judge() {
	q.elapsed += q.samples
	if q.elapsed < window {
		return
	}
	q.surplus = max(0, (q.lowest-q.needed())/q.samples)
	q.short = q.lowest < q.needed()
	q.lowest, q.elapsed = maxDelay, 0
}

// collectPreroll copies the packets right before the next one.
func (q *queue) collectPreroll(p *popped) {
	first := q.next
	for range preroll {
		s := &q.slots[(first-1)%slots]
		if s.state != played || s.seq != first-1 || s.muted {
			break
		}
		first--
	}
	for ; first != q.next; first++ {
		b := &p.preroll[p.prerolls]
		*b = append((*b)[:0], q.slots[first%slots].payload...)
		p.prerolls++
	}
}
