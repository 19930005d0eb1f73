package bwe

const (
	paceFactor  = 1.5               // of the estimate: how fast a burst leaves; more would queue on the way and look like congestion
	burstFor    = 40 * millisecond  // at the estimate: what passes at once, an average frame
	minBurst    = 3000              // bytes
	maxDelay    = 400 * millisecond // that video waits
	drainFor    = 300 * millisecond // within which what waits should leave
	rushFactor  = 2.5               // of the estimate: no faster, even then
	repeatShare = 0.5               // of the estimate is the most that retransmissions take
	repeatBurst = 6000              // bytes of them at once
	maxQueued   = 256               // packets of video, power of two
	maxRepeated = 64                // retransmissions, power of two
	maxBroken   = 32                // tracks whose frames are no use until a key frame
)

// pacer is a leaky bucket: packets fill it, it drains at the pacing rate. While there is room for a packet
// and nothing waits, the packet passes; otherwise it waits in a queue.
type pacer struct {
	rate, rush float64 // bytes per ns
	burst      float64 // bytes
	level      float64 // bytes in the bucket
	drained    int64   // when

	repeated   float64 // bytes of retransmissions in a bucket of their own
	repeatRate float64 // bytes per ns that it drains

	repeats, video queue
	broken         []uint32
	dropped        uint64
	lost           func(*Packet) // nil = nobody wants to know
}

func (p *pacer) init() {
	p.repeats.limit, p.video.limit = maxRepeated, maxQueued
	p.broken = make([]uint32, 0, maxBroken)
}

// setEstimate follows the estimate, in bit/s. While a queue stands on the way, nothing leaves faster than that.
func (p *pacer) setEstimate(bps int64, standing bool) {
	pace, rush := float64(paceFactor), float64(rushFactor)
	if standing {
		pace, rush = 1, 1
	}
	rate := float64(bps) / 8 / second
	p.burst = max(rate*burstFor, minBurst)
	p.rate, p.rush = rate*pace, rate*rush
	p.repeatRate = rate * repeatShare
}

// drain empties the buckets by the time that has passed.
func (p *pacer) drain(now int64) {
	elapsed := float64(now - p.drained)
	p.drained = now
	if elapsed <= 0 {
		return
	}
	rate := p.rate
	if p.video.bytes > 0 {
		rate = min(max(rate, float64(p.video.bytes)/drainFor), p.rush)
	}
	p.level = max(p.level-elapsed*rate, 0)
	p.repeated = max(p.repeated-elapsed*p.repeatRate, 0)
}

// passes tells whether a packet may leave at once. It has to be charged then.
func (p *pacer) passes(now int64, k Kind) bool {
	p.drain(now)
	switch k {
	case KindAudio, KindPadding:
		return true
	case KindRetransmission:
		return p.repeats.n == 0 && p.level < p.burst && p.repeated < repeatBurst
	default:
		return p.repeats.n == 0 && p.video.n == 0 && p.level < p.burst && len(p.broken) == 0
	}
}

// charge counts a packet that leaves.
func (p *pacer) charge(k Kind, size int) {
	p.level += float64(size)
	if k == KindRetransmission {
		p.repeated += float64(size)
	}
}

// push lets a packet wait. It is false when the packet was dropped instead.
func (p *pacer) push(now int64, pkt *Packet, header, payload []byte) bool {
	if pkt.Kind == KindRetransmission {
		if p.repeated+float64(p.repeats.bytes) >= repeatBurst || !p.repeats.push(now, pkt, header, payload) {
			p.dropped++ // it is asked for again
			return false
		}
		return true
	}
	if p.useless(pkt) {
		p.dropped++
		return false
	}
	if p.video.push(now, pkt, header, payload) {
		return true
	}
	p.shed(now, true)
	if p.useless(pkt) || !p.video.push(now, pkt, header, payload) {
		p.breakTrack(pkt)
		p.dropped++
		return false
	}
	return true
}

// next returns the packet whose turn it is, or nil, and takes it out of its queue.
func (p *pacer) next(now int64) *slot {
	p.drain(now)
	if p.level >= p.burst {
		return nil
	}
	for _, q := range [...]*queue{&p.repeats, &p.video} {
		if s := q.peek(); s != nil {
			q.pop()
			return s
		}
	}
	return nil
}

// shed makes room when the queue is full, or when what waits has become too old. First goes the oldest frame
// that no other needs, then the oldest one that is no key frame, with all that need it. Key frames stay: they
// end the freeze that dropping begins.
func (p *pacer) shed(now int64, full bool) {
	for {
		s := p.video.peek()
		if s == nil || !full && now-s.since <= maxDelay {
			return
		}
		full = false
		if i := p.oldest(func(s *slot) bool { return s.Discardable }); i >= 0 {
			p.dropFrame(p.video.at(i))
		} else if i := p.oldest(func(s *slot) bool { return !s.Key }); i >= 0 {
			p.dropChain(i)
		} else {
			return
		}
		p.compact()
	}
}

func (p *pacer) oldest(match func(*slot) bool) int {
	for i := range p.video.n {
		if s := p.video.at(i); !s.dropped && match(s) {
			return i
		}
	}
	return -1
}

func (p *pacer) dropFrame(s *slot) {
	track, frame := s.Track, s.Frame
	for i := range p.video.n {
		if s := p.video.at(i); s.Track == track && s.Frame == frame {
			p.drop(i)
		}
	}
}

// dropChain drops what waits of the track of packet i, up to its next key frame. Without one the track stays
// broken until one comes.
func (p *pacer) dropChain(i int) {
	first := p.video.at(i)
	track := first.Track
	for ; i < p.video.n; i++ {
		s := p.video.at(i)
		if s.Track != track || s.dropped {
			continue
		}
		if s.Key {
			return
		}
		p.drop(i)
	}
	p.breakTrack(&first.Packet)
}

func (p *pacer) drop(i int) {
	s := p.video.at(i)
	if s.dropped {
		return
	}
	p.dropped++
	p.video.drop(i)
	if p.lost != nil {
		p.lost(&s.Packet)
	}
}

// compact closes the gaps that dropping left, so that the ring has room again.
func (p *pacer) compact() {
	q := &p.video
	kept := 0
	for i := range q.n {
		if q.at(i).dropped {
			continue
		}
		if i != kept {
			a, b := (q.head+kept)&(len(q.slots)-1), (q.head+i)&(len(q.slots)-1)
			q.slots[a], q.slots[b] = q.slots[b], q.slots[a]
		}
		kept++
	}
	q.n = kept
}

// useless tells whether a packet needs a frame that was dropped. A key frame mends its track.
func (p *pacer) useless(pkt *Packet) bool {
	for i, track := range p.broken {
		if track != pkt.Track {
			continue
		}
		if pkt.Key {
			p.mend(i)
			return false
		}
		return true
	}
	return false
}

// forget drops what waits of a track.
func (p *pacer) forget(track uint32) {
	for i := range p.video.n {
		if p.video.at(i).Track == track {
			p.drop(i)
		}
	}
	p.compact()
	for i, t := range p.broken {
		if t == track {
			p.mend(i)
			return
		}
	}
}

func (p *pacer) mend(i int) {
	last := len(p.broken) - 1
	p.broken[i] = p.broken[last]
	p.broken = p.broken[:last]
}

func (p *pacer) breakTrack(pkt *Packet) {
	if pkt.Discardable || len(p.broken) == cap(p.broken) {
		return
	}
	for _, track := range p.broken {
		if track == pkt.Track {
			return
		}
	}
	p.broken = append(p.broken, pkt.Track)
}
