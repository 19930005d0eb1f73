package rooms

const (
	fewPeople  = 2       // in whose calls senders adapt to the one receiver
	limitShare = 0.9     // of the limit is what a sender makes of it
	leastLimit = 100_000 // bit/s
)

// limitCameraLocked tells a sender in a call of two the bandwidth of its one receiver, as clients that do without
// simulcast there expect it.
func (p *Participant) limitCameraLocked() {
	g, m := p.camera, p.media.Load()
	if g == nil || m == nil || !g.takesLimits {
		return
	}
	g.limit = 0
	if p.room.people <= fewPeople && g.aloneLocked() {
		g.limit = p.room.limitLocked(g)
	}
	m.up.SetLimit(g.limit)
}

// limitLocked is the bandwidth that the one receiver of a group has for it, 0 = not known.
func (r *Room) limitLocked(g *videoGroup) int64 {
	limit := int64(0)
	for _, q := range *r.members.Load() {
		m := q.media.Load()
		if m == nil {
			continue
		}
		others, shown := int64(0), false
		for _, v := range q.received {
			switch {
			case v.wanted == nil || v.shown == nil || v.userPaused:
			case v.wanted.group == g:
				shown = true
			case !v.serverPaused:
				others += int64(v.shown.track.Stats().BitrateBps)
			}
		}
		if !shown {
			continue
		}
		if bps, reported := m.down.Estimate(); reported {
			limit = max(limit, bps-others, leastLimit)
		}
	}
	return limit
}

// aloneLocked tells whether a group is a single encoding, because the client offers no other at present. One that has
// others and cannot send them for lack of bandwidth is not: it would never get to send them if it were told to send
// no more than what the one takes.
func (g *videoGroup) aloneLocked() bool {
	offered, flowing := 0, 0
	for _, e := range g.encodings {
		if e.maxKbps > 0 {
			offered++
			if e.flowing {
				flowing++
			}
		}
	}
	return offered == 1 && flowing == 1
}
