package rooms

// rosterNews are changes of the roster that people are yet to be told. A change is told at once, and those that follow
// it together, by the clock: when many come at the same time, each of them would otherwise be told each of the others
// in a frame of its own.
type rosterNews struct {
	changes []RosterEntry
	wait    bool // for the clock: something has been told since it looked
}

// broadcastLocked has roster changes told to everybody who has had the full roster.
func (r *Room) broadcastLocked(changes []RosterEntry) {
	r.roster.changes = append(r.roster.changes, changes...)
	if !r.roster.wait {
		r.tellRosterLocked()
	}
}

// refreshRoster is the look of the clock.
func (r *Room) refreshRoster() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.roster.wait = false
	r.tellRosterLocked()
}

func (r *Room) tellRosterLocked() {
	changes := r.roster.changes
	if len(changes) == 0 {
		return
	}
	r.roster = rosterNews{wait: true}
	all := &Shared[[]RosterEntry]{Value: changes}
	for _, p := range *r.members.Load() {
		told := all
		if has := p.rosterHas; has > 0 {
			p.rosterHas = 0
			told = &Shared[[]RosterEntry]{Value: changes[has:]}
		}
		if p.rosterSent && len(told.Value) > 0 {
			p.member.Observer.Roster(told)
		}
	}
}

// announceLocked makes p visible in the roster: the others get one line, p gets everything.
func (r *Room) announceLocked(p *Participant) {
	p.announced = true
	p.reportJoinedLocked()
	changes := []RosterEntry{p.lineLocked()}
	for _, id := range p.supersedes {
		changes = append(changes, RosterEntry{AudioStreamID: id})
	}
	p.supersedes = nil
	r.broadcastLocked(changes)
	var full []RosterEntry
	for _, q := range *r.members.Load() {
		if q.announced {
			full = append(full, q.lineLocked())
		}
	}
	p.rosterSent, p.rosterHas = true, len(r.roster.changes)
	p.member.Observer.Roster(&Shared[[]RosterEntry]{Value: full})
	r.signals = nil // the next look tells the newcomer too
}

// lineLocked is what the roster says about p.
func (p *Participant) lineLocked() RosterEntry {
	return RosterEntry{
		AudioStreamID: p.audioID, AttendeeID: p.member.AttendeeID, ExternalUserID: p.member.ExternalUserID, Muted: flag(p.muted),
	}
}

var yes, no = true, false

// flag is a pointer to that value, which nobody changes.
func flag(value bool) *bool {
	if value {
		return &yes
	}
	return &no
}
