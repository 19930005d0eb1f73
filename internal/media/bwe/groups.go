package bwe

const (
	burstTime      = 5 * millisecond   // packets sent within it form a group
	maxBurst       = 100 * millisecond // of arrivals that are one group because a queue held them
	maxJump        = 3 * second        // between arrivals: the receiver's clock was set
	maxReorderings = 3                 // groups in a row that end before the one before them
)

// group is a burst of packets that is judged as one (draft-ietf-rmcat-gcc-02 section 5.2).
type group struct {
	firstSent, lastSent int64
	firstAt, lastAt     int64
	used                bool
}

// groups turns packets into the delays between groups of them.
type groups struct {
	current, previous group
	reordered         int
}

// add takes a packet in, in the order of sending. When it begins a new group, the two before it are compared:
// by how much later the second was sent, and by how much later it arrived.
func (g *groups) add(sent, at int64) (sentDelta, arrivalDelta int64, ok bool) {
	c := &g.current
	switch {
	case !c.used:
		*c = group{sent, sent, at, at, true}
		return 0, 0, false
	case sent < c.firstSent:
		return 0, 0, false
	case g.belongs(sent, at):
		c.lastSent = max(c.lastSent, sent)
		c.lastAt = max(c.lastAt, at)
		return 0, 0, false
	}
	if g.previous.used {
		sentDelta, arrivalDelta = c.lastSent-g.previous.lastSent, c.lastAt-g.previous.lastAt
		ok = g.plausible(sentDelta, arrivalDelta)
	}
	g.previous = *c
	*c = group{sent, sent, at, at, true}
	return sentDelta, arrivalDelta, ok
}

func (g *groups) belongs(sent, at int64) bool {
	c := &g.current
	if sent-c.firstSent <= burstTime {
		return true
	}
	// A queue on the way held packets back and let them go together: their distance says nothing.
	arrivalDelta := at - c.lastAt
	return arrivalDelta-(sent-c.lastSent) < 0 && arrivalDelta <= burstTime && at-c.firstAt < maxBurst
}

// plausible sorts out what the network cannot have done.
func (g *groups) plausible(sentDelta, arrivalDelta int64) bool {
	if arrivalDelta-sentDelta > maxJump {
		*g = groups{current: g.current}
		return false
	}
	if arrivalDelta < 0 {
		if g.reordered++; g.reordered >= maxReorderings {
			*g = groups{current: g.current}
		}
		return false
	}
	g.reordered = 0
	return true
}
