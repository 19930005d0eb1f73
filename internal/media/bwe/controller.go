package bwe

import "math"

// Defaults of Config, in bit/s.
const (
	defaultStart = 1_000_000
	defaultMin   = 50_000
	defaultMax   = 20_000_000
)

// overhead is what a packet takes on the wire beside RTP: IPv4, UDP, and the tag of AES-GCM.
const overhead = 20 + 8 + 16

// Config bounds the estimate, in bit/s; 0 = the default (1 Mbit/s, 50 kbit/s, 20 Mbit/s).
type Config struct {
	Start, Min, Max int64

	// Dropped, if not nil, is told of each packet that Queue took and that will never leave. It is called during
	// calls of the Controller and must not call it.
	Dropped func(*Packet)
}

// Controller is the congestion control of one receiver: what may be sent to it, how fast, and when more may
// be tried.
type Controller struct {
	cfg     Config
	history history
	pacer   pacer
	prober  prober
	delay   struct {
		groups
		trend
	}
	aimd aimd
	loss lossBound

	acked, audio rate
	sent         uint64 // bytes
	clock        remoteClock
	queuing      queuing
	busy         busy

	rtt          int64 // smoothed, feedback interval included; 0 = not known
	packetSize   int   // smoothed
	lastFeedback int64 // 0 = none yet
	lastSent     int64
	unnumbered   int64 // when a packet without a number was sent last, 0 = never
	starved      int64 // when the lack of feedback was last answered
	remb         int64 // 0 = none
	estimate     int64
	least        int64 // demand, as are
	next, all    int64
	silent       bool // no video is sent
	recent       recent
	missing      []uint16
}

// NewController makes a Controller that begins at Config.Start.
func NewController(cfg Config) *Controller {
	if cfg.Start == 0 {
		cfg.Start = defaultStart
	}
	if cfg.Min == 0 {
		cfg.Min = defaultMin
	}
	if cfg.Max == 0 {
		cfg.Max = defaultMax
	}
	c := &Controller{cfg: cfg, packetSize: 1000}
	c.aimd.rate = float64(cfg.Start)
	c.loss.init()
	c.pacer.init()
	c.pacer.lost = cfg.Dropped
	c.estimate = cfg.Start
	c.pacer.setEstimate(c.estimate, c.queuing.standing())
	return c
}

// Send asks to send an RTP packet of size bytes at once. If it may leave, it is counted, and seq is its
// transport-wide sequence number. If not, the caller gives it to Queue. Audio and padding always may.
func (c *Controller) Send(now int64, k Kind, size int) (seq uint16, ok bool) {
	if !c.pacer.passes(now, k) {
		return 0, false
	}
	c.charge(k, size)
	return c.number(now, k, size), true
}

// SendUnnumbered is Send for a packet that cannot carry a transport-wide sequence number. It takes its turn as
// the others do, but nothing is learned from it.
func (c *Controller) SendUnnumbered(now int64, k Kind, size int) bool {
	if !c.pacer.passes(now, k) {
		return false
	}
	c.charge(k, size)
	c.unnumbered = max(now, 1)
	return true
}

func (c *Controller) charge(k Kind, size int) {
	size += overhead
	c.pacer.charge(k, size)
	c.sent += uint64(size)
}

func (c *Controller) number(now int64, k Kind, size int) uint16 {
	size += overhead
	if k == KindAudio {
		c.audio.add(now, size)
	}
	c.lastSent = now
	return c.history.add(now, size, c.prober.note(size))
}

// Queue copies a packet that Send refused, as header and payload, for Next. It is false when the packet was
// dropped: there is no room, or a frame that it needs was dropped.
func (c *Controller) Queue(now int64, p *Packet, header, payload []byte) bool {
	return c.pacer.push(now, p, header, payload)
}

// Next returns the queued packet that may leave now, with its transport-wide sequence number if it can carry one;
// false = none. The packet counts as sent.
func (c *Controller) Next(now int64) (p *Packet, seq uint16, ok bool) {
	s := c.pacer.next(now)
	if s == nil {
		return nil, 0, false
	}
	c.charge(s.Kind, len(s.Data))
	if s.TWCC != 0 {
		seq = c.number(now, s.Kind, len(s.Data))
	} else {
		c.unnumbered = max(now, 1)
	}
	return &s.Packet, seq, true
}

// Waiting tells whether Next may have something to say, now or later.
func (c *Controller) Waiting() bool { return c.pacer.repeats.n > 0 || c.pacer.video.n > 0 }

// Probing tells whether a probe runs, for which Tick may ask for more.
func (c *Controller) Probing() bool { return c.prober.sending }

// RTT is the smoothed round-trip time in ns, the wait for feedback included; 0 = not known.
func (c *Controller) RTT() int64 { return c.rtt }

// Broken are the tracks of which a frame was dropped that others need: they want a key frame. It is valid
// until the next call.
func (c *Controller) Broken() []uint32 { return c.pacer.broken }

// Forget drops what waits of a track that ended or was switched to another source.
func (c *Controller) Forget(track uint32) { c.pacer.forget(track) }

// SetDemand says what would be sent if there were room, as Allocate tells it. It is what probing is for, and
// what loss that is not congestion must not take away.
func (c *Controller) SetDemand(p Plan) {
	c.least, c.next, c.all = p.Least, p.Next, max(p.Next, p.All)
	c.silent = p.Used == 0
}

// HandleREMB takes in the bandwidth that the receiver believes it has (draft-alvestrand-rmcat-remb-03). It
// caps the estimate, and is all there is to go by while there is no transport-wide feedback.
func (c *Controller) HandleREMB(bps, now int64) {
	c.remb = max(bps, 1)
	c.publish(now)
}

// Tick does the periodic work; it is to be called about every 5 ms. probe is how many bytes of padding or
// repeated packets are to be sent now, each after Send with KindPadding. Next should be drained after it.
func (c *Controller) Tick(now int64) (probe int) {
	c.starve(now)
	c.prober.close(c.rtt, now)
	if c.mayProbe(now) {
		target := min(probeFactor*float64(c.estimate), probeMargin*float64(c.wire(c.all)), float64(c.cfg.Max))
		c.prober.begin(target, now)
	}
	if c.pacer.video.n > 0 {
		c.pacer.shed(now, false)
	}
	c.pacer.repeats.release(now)
	c.pacer.video.release(now)
	c.recent.note(c.estimate, now)
	return c.prober.missing(now)
}

func (c *Controller) mayProbe(now int64) bool {
	p := &c.prober
	return c.next > 0 && c.wire(c.next) > c.estimate && !p.sending && !p.waiting && now >= p.due && c.lastSent != 0 && !c.starving(now) &&
		c.delay.state != overuse && !c.queuing.standing() && !c.crowded() && (c.aimd.fell == 0 || now-c.aimd.fell >= probeCalm)
}

// crowded tells whether loss speaks against a probe. What is lost of the sound alone is not lost because of what we send,
// and a receiver that gets nothing else would otherwise never get more on a line that always loses much.
func (c *Controller) crowded() bool {
	if c.silent {
		return c.loss.smooth > hopelessLoss
	}
	return c.loss.congested()
}

const (
	starvedAfter = second     // without feedback on what was sent
	starvedEvery = second / 2 // further cuts
	starvedCut   = 0.8
	starvedFloor = 150_000 // bit/s
)

// starve lowers the estimate when feedback stops coming: the path may be so full that nothing gets through.
func (c *Controller) starve(now int64) {
	if !c.starving(now) || now-c.starved < starvedEvery {
		return
	}
	c.starved = now
	c.aimd.rate = max(c.aimd.rate*starvedCut, min(c.aimd.rate, starvedFloor))
	c.publish(now)
}

func (c *Controller) starving(now int64) bool {
	return c.lastFeedback != 0 && c.lastSent > c.lastFeedback && now-c.lastFeedback >= starvedAfter+2*c.rtt
}

// publish makes the estimate from its parts.
func (c *Controller) publish(now int64) {
	bps := min(c.aimd.rate, c.loss.rate)
	if partly := c.unnumbered != 0 && now-c.unnumbered < second; (c.lastFeedback == 0 || partly) && c.remb > 0 {
		bps = float64(c.remb) // feedback, if any, is on a part of what is sent
	}
	if c.remb > 0 {
		bps = min(bps, float64(c.remb))
	}
	c.estimate = min(max(int64(bps), c.cfg.Min), c.cfg.Max)
	c.pacer.setEstimate(c.estimate, c.queuing.standing())
	c.recent.note(c.estimate, now)
}

// Estimate is the bandwidth to the receiver in bit/s, everything included.
func (c *Controller) Estimate() int64 { return c.estimate }

const (
	mediaShare = 0.95 // of the estimate is for RTP payloads; the rest is for headers
	maxRepeats = 0.25 // share of the estimate that is kept for retransmissions
)

// Budget is what video may take, in bit/s of payload: now is for what is sent already, sure for more than
// that, as it has been there for a second. Audio and what has to be sent twice are taken off.
func (c *Controller) Budget() (now, sure int64) {
	return c.budget(c.estimate), c.budget(c.recent.least())
}

func (c *Controller) budget(estimate int64) int64 {
	return max(int64(float64(estimate-c.audio.over(second))*c.share()), 0)
}

// wire is the inverse of budget: the estimate that a budget needs.
func (c *Controller) wire(budget int64) int64 {
	return int64(float64(budget)/c.share()) + c.audio.over(second)
}

func (c *Controller) share() float64 { return mediaShare * (1 - min(c.loss.lasting(), maxRepeats)) }

// Stats describes the state of a Controller.
type Stats struct {
	Estimate, Acknowledged int64   // bit/s
	Loss                   float64 // 0 to 1
	RTT, QueueDelay        int64   // ns; the wait for feedback is part of RTT
	FeedbackAt             int64   // when the last transport-wide feedback came, 0 = never
	DelayBound, LossBound  int64   // bit/s
	SentBytes              uint64  // ever
	Dropped                uint64  // packets, by the pacer
}

// Stats returns what is known.
func (c *Controller) Stats() Stats {
	bound := c.loss.rate
	if math.IsInf(bound, 1) {
		bound = float64(c.cfg.Max)
	}
	return Stats{
		Estimate: c.estimate, Acknowledged: c.acked.over(second),
		Loss: c.loss.smooth, RTT: c.rtt, QueueDelay: c.queuing.delay, FeedbackAt: c.lastFeedback,
		DelayBound: int64(c.aimd.rate), LossBound: int64(bound), SentBytes: c.sent, Dropped: c.pacer.dropped,
	}
}
