package bwe

const (
	ackedWindow = 400 * millisecond
	rttWeight   = 0.125
	sizeWeight  = 16
	wrapPeriod  = int64(1) << referenceBits * referenceUnit
)

// remoteClock makes one line of time of the receiver's reference times, which wrap around after 12 days.
type remoteClock struct {
	last    int32
	base    int64
	started bool
}

// unwrap returns what to add to the arrival times of a feedback.
func (r *remoteClock) unwrap(reference int32) int64 {
	if !r.started {
		r.started, r.base = true, 0
	} else if jump := int64(reference) - int64(r.last); jump > 1<<(referenceBits-1) {
		r.base -= wrapPeriod
	} else if jump < -1<<(referenceBits-1) {
		r.base += wrapPeriod
	}
	r.last = reference
	return r.base
}

// HandleFeedback takes in an RTCP packet with transport-wide feedback. It is false when the packet is none or
// is malformed; then it changes nothing.
func (c *Controller) HandleFeedback(raw []byte, now int64) bool {
	f, ok := ParseFeedback(raw)
	if !ok {
		return false
	}
	c.history.live = true
	c.missing = c.missing[:0]
	offset := c.clock.unwrap(f.Reference)
	newest := int64(0)
	c.queuing.begin()
	for s, ok := f.Next(); ok; s, ok = f.Next() {
		p := c.history.find(s.Seq)
		switch {
		case p == nil || p.state == arrived:
		case s.Received:
			c.arrive(p, s.Arrival+offset, now)
			newest = max(newest, p.at)
		case p.state == inFlight:
			p.state = lost
			c.loss.lost++
			if len(c.missing) < MaxMissing {
				c.missing = append(c.missing, s.Seq)
			}
		}
	}
	if newest == 0 && c.lastFeedback == 0 {
		return true // it speaks of nothing that we sent
	}
	if c.starving(now) {
		c.prober = prober{cluster: c.prober.cluster, due: now} // probes that nobody could answer mean nothing
	}
	c.lastFeedback, c.starved = now, now
	c.queuing.judge(now)
	if newest != 0 {
		c.measure(now - newest)
	}
	c.judge(now)
	return true
}

// arrive notes the arrival of a packet.
func (c *Controller) arrive(p *sentPacket, at, now int64) {
	if p.state == lost {
		c.loss.lost = max(c.loss.lost-1, 0) // it was only late
	}
	p.state = arrived
	c.loss.received++
	c.packetSize += (int(p.size) - c.packetSize) / sizeWeight
	c.acked.add(at, int(p.size))
	c.prober.arrived(p, at)
	c.queuing.add(at-p.at, now)
	c.busy.add(c.queuing.delay, p.at, at, int(p.size))
	if sent, arrival, ok := c.delay.groups.add(p.at, at); ok {
		c.delay.trend.add(sent, arrival, at)
	}
}

func (c *Controller) measure(rtt int64) {
	if c.rtt == 0 {
		c.rtt = rtt
	}
	c.rtt += int64(rttWeight * float64(rtt-c.rtt))
}

// judge draws the conclusions from a feedback.
func (c *Controller) judge(now int64) {
	acked := float64(c.acked.over(ackedWindow))
	before, rate := c.aimd.fell, c.aimd.rate
	signal, arrives := c.signal(), acked
	if signal == overuse {
		arrives = c.bottleneck(acked)
	}
	c.aimd.update(signal, arrives, c.packetSize, c.rtt, now)
	if sound := float64(c.audio.over(second)); c.aimd.rate < sound { // which is sent anyway
		c.aimd.rate = max(c.aimd.rate, min(sound, rate))
	}
	if c.aimd.fell != before && !c.prober.sending && !c.prober.waiting {
		c.prober.due = max(c.prober.due, now+probeCalm)
	}
	c.loss.update(c.aimd.rate, acked, float64(c.wire(c.least)), c.rtt, now)
	if proven, ok := c.prober.result(); ok {
		c.learnFromProbe(proven, now)
	}
	c.publish(now)
}

const (
	// overuseDelay is what has to queue for a growing delay to be taken for congestion; less is what key frames and
	// late bursts leave behind.
	overuseDelay = 15 * millisecond
	// appLimited is the share of the estimate below which what is sent says little about the link.
	appLimited = 0.6
	// chokedDelay is what has to queue for a link to be taken for one that has become narrow, and chokedShare is how much
	// of what arrived up to now it takes at most then.
	chokedDelay = 60 * millisecond
	chokedShare = 0.6
)

// signal is what the delay says of the network, the growth of it and the size of it together.
func (c *Controller) signal() signal {
	switch {
	case c.delay.state == overuse && c.queuing.delay < overuseDelay:
		return normal
	case c.delay.state == normal && (c.queuing.standing() || c.choked()):
		return overuse
	}
	return c.delay.state
}

// choked tells whether the link takes much less than it did a moment ago. That shows with the first packets that are
// spread over more time than they were sent in; waiting for a trend would fill the queue with pictures that nobody sees
// in time.
func (c *Controller) choked() bool {
	if c.queuing.delay < chokedDelay {
		return false
	}
	capacity := c.busy.capacity(crushed)
	return capacity > 0 && capacity < chokedShare*min(c.aimd.rate, float64(c.acked.over(ackedWindow)))
}

// bottleneck is the rate that the link holds when it is full, in bit/s.
func (c *Controller) bottleneck(acked float64) float64 {
	if acked < appLimited*c.aimd.rate {
		// We send little: the delay may be anything, unless it is plain that packets do not get through.
		if capacity := c.busy.capacity(crushed); capacity > 0 {
			return capacity
		}
		return c.aimd.rate // somebody else fills it: yield a share, as if the link had been ours
	}
	if capacity := c.busy.capacity(squeezed); capacity > 0 {
		return capacity
	}
	return acked
}

// learnFromProbe raises the estimate to what a probe has proven.
func (c *Controller) learnFromProbe(proven float64, now int64) {
	p := &c.prober
	p.waiting = false
	proven = min(proven, p.target)
	if c.delay.state != overuse && proven > c.aimd.rate {
		c.aimd.rate = proven
		if proven > c.aimd.capacity {
			c.aimd.capacity = 0
		}
	}
	if !c.loss.congested() && proven > c.loss.rate {
		c.loss.lift(proven)
	}
	if proven < probeProof*p.target || c.delay.state == overuse {
		p.fail(now)
		return
	}
	p.every, p.due = 0, now
}
