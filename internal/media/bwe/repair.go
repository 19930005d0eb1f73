package bwe

// What the losses of a path mean for what is sent again.

const (
	// lastingLoss freezes pictures when it is always there: of the packets that are sent again as many are lost, and a
	// third attempt takes longer than a picture can wait.
	lastingLoss = 0.025
	// roomForCopies is the share of the estimate up to which a path has room for more.
	roomForCopies  = 0.75
	leastForCopies = 2 * lossFloor // of the estimate, in bit/s: on a thin line a copy takes the time that it is to save
)

// Copies is how often a retransmission should be sent: twice while a path loses much all the time, and where it loses less,
// while there is room.
func (c *Controller) Copies() int {
	lasting := c.loss.lasting()
	room := c.estimate >= leastForCopies && float64(c.acked.over(second)) < roomForCopies*float64(c.estimate)
	if lasting > heavyLoss || lasting > lastingLoss && room {
		return 2
	}
	return 1
}

// Lossy tells whether the path loses packets again and again, and not because it is full: then what is sent again only makes
// the queue longer.
func (c *Controller) Lossy() bool { return c.loss.smooth > lastingLoss && c.queuing.delay < fullQueue }

const fullQueue = 50 * millisecond

// Missing are the transport-wide numbers that the last feedback has reported as lost, the first MaxMissing of them. It is
// valid until the next call.
func (c *Controller) Missing() []uint16 { return c.missing }

// MaxMissing bounds what is done about one feedback.
const MaxMissing = 16

// Lost tells whether the packet of a transport-wide number is known to be lost.
func (c *Controller) Lost(seq uint16) bool {
	p := c.history.find(seq)
	return p == nil || p.state == lost
}
