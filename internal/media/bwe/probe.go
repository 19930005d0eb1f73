package bwe

const (
	probeTime      = 40 * millisecond  // that a cluster lasts
	probeMost      = 250 * millisecond // when it takes that long to send minProbes
	probeFactor    = 2.0               // of the estimate
	probeMargin    = 1.1               // above what is wanted
	minProbes      = 5                 // packets in a cluster
	probeProof     = 0.7               // of the target: the link holds it, try more at once
	probeWait      = 500 * millisecond // beyond the round trip, for the last feedback
	probeEvery     = 2 * second
	probeEveryMost = 4 * second // after failures
	probeCalm      = second     // after the estimate fell
	saturated      = 0.9        // received over sent: less means that the link was full
	saturatedShare = 0.95       // of what was received then
)

// prober finds out whether a link holds more than is sent now, by clusters of packets that are sent faster
// than the estimate for a moment.
type prober struct {
	cluster  uint8 // number of the running or last one, 0 = none yet
	target   float64
	began    int64
	sending  bool
	waiting  bool
	deadline int64
	due      int64 // when the next cluster may begin
	every    int64
	sent     int // bytes of the cluster
	count    int // packets of the cluster

	seen clusterRate
}

// clusterRate measures how a cluster left and how it arrived.
type clusterRate struct {
	packets              int
	bytes                int
	firstSent, lastSent  int64
	lastBurst            int // bytes that were sent at lastSent
	firstArrival, lastAt int64
	firstSize            int
}

// begin starts a cluster.
func (p *prober) begin(target float64, now int64) {
	p.cluster++
	if p.cluster == 0 {
		p.cluster = 1
	}
	p.target, p.began, p.sending, p.waiting = target, now, true, false
	p.sent, p.count, p.seen = 0, 0, clusterRate{}
}

// missing is how many bytes have to leave now for the cluster to keep its rate; 0 = none.
func (p *prober) missing(now int64) int {
	if !p.sending {
		return 0
	}
	// Half a tick ahead, so that a tick that comes early still sends.
	elapsed := now - p.began + burstTime
	return max(int(p.target*float64(elapsed)/second/8)-p.sent, 0)
}

// note counts a packet that leaves while a cluster runs, and returns its cluster.
func (p *prober) note(size int) uint8 {
	if !p.sending {
		return 0
	}
	p.sent += size
	p.count++
	return p.cluster
}

// close ends the sending of a cluster whose time is over.
func (p *prober) close(rtt, now int64) {
	if age := now - p.began; p.sending && age >= probeTime && (p.count >= minProbes || age >= probeMost) {
		p.sending, p.waiting = false, true
		p.deadline = now + rtt + probeWait
	}
	if p.waiting && now >= p.deadline {
		p.fail(now)
	}
}

// fail lets more time pass until the next cluster.
func (p *prober) fail(now int64) {
	p.sending, p.waiting = false, false
	p.every = min(max(p.every+second, probeEvery), probeEveryMost)
	p.due = now + p.every
}

// arrived takes a packet of the running cluster in. Packets come in the order in which they were sent.
func (p *prober) arrived(s *sentPacket, at int64) {
	c := &p.seen
	if s.cluster != p.cluster || !p.sending && !p.waiting {
		return
	}
	if c.packets == 0 {
		c.firstSent, c.lastSent, c.firstArrival, c.lastAt, c.firstSize = s.at, s.at, at, at, int(s.size)
	}
	if s.at != c.lastSent {
		c.lastSent, c.lastBurst = s.at, 0
	}
	c.lastBurst += int(s.size)
	c.packets++
	c.bytes += int(s.size)
	c.lastAt = max(c.lastAt, at)
}

// result is the rate that the cluster proves, once most of it has arrived.
func (p *prober) result() (float64, bool) {
	c := &p.seen
	if p.sending || !p.waiting || c.packets < minProbes || c.packets*10 < p.count*8 || c.bytes*10 < p.sent*8 {
		return 0, false
	}
	sentFor, arrivedFor := c.lastSent-c.firstSent, c.lastAt-c.firstArrival
	if sentFor < probeTime/4 || sentFor > second || arrivedFor <= 0 || arrivedFor > second {
		return 0, false
	}
	sent := float64(c.bytes-c.lastBurst) * 8 * second / float64(sentFor)
	received := float64(c.bytes-c.firstSize) * 8 * second / float64(arrivedFor)
	if received < saturated*sent {
		return saturatedShare * received, true
	}
	return min(sent, received), true
}
