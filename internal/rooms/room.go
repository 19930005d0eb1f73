package rooms

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"carillon/internal/errs"
	"carillon/internal/media/mixer"
)

// Room is one live conference.
type Room struct {
	// Constant after newRoom.
	id   string
	hub  *Hub
	log  *slog.Logger
	mix  *mixer.Room
	stop chan struct{} // closed by Hub.reapLocked

	broken atomic.Bool // its clock has panicked, and it is being ended

	red [maxREDPayload]byte // scratch space of the clock

	// members is every participant, for the clock, which takes no lock. It is replaced, never
	// changed, under mu.
	members atomic.Pointer[[]*Participant]

	// Guarded by mu.
	mu         sync.Mutex
	streams    map[uint32]*encoding // by stream id
	messages   messageBox
	indexDirty bool
	people     int
	roster     rosterNews
	signals    []Signal // as reported last
	quiet      int      // volume frames in a row in which nobody talked
	allotment  allotment
}

func newRoom(h *Hub, id string) *Room {
	r := &Room{
		id:      id,
		hub:     h,
		log:     h.cfg.Logger.With("conference", id),
		mix:     mixer.NewRoom(mixer.Config{Logger: h.cfg.Logger}),
		stop:    make(chan struct{}),
		streams: make(map[uint32]*encoding),

		messages: newMessageBox(),
	}
	r.members.Store(&[]*Participant{})
	return r
}

func (r *Room) empty() bool { return len(*r.members.Load()) == 0 }

// join adds a participant. See Hub.Join.
func (r *Room) join(m Member) (*Participant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := m.admissible(); err != nil {
		return nil, err
	}
	old := r.findLocked(m.AttendeeID)
	if old == nil {
		if err := r.admitLocked(m); err != nil {
			return nil, err
		}
	}
	p := newParticipant(r, m)
	members := append(slices.Clone(*r.members.Load()), p)
	r.members.Store(&members)
	if old != nil {
		r.replaceLocked(old, p)
	}
	r.indexDirty = true
	r.countLocked()
	return p, nil
}

func (r *Room) admitLocked(m Member) error {
	people, shares := 0, 0
	for _, p := range *r.members.Load() {
		if p.content {
			shares++
		} else {
			people++
		}
	}
	limit := MaxParticipants
	if m.MaxParticipants > 0 {
		limit = min(limit, m.MaxParticipants)
	}
	switch {
	case m.content() && shares >= MaxContent:
		return errs.New(errs.LimitExceeded, "%d screens are shared already.", MaxContent)
	case !m.content() && people >= limit:
		return errs.New(errs.LimitExceeded, "The meeting is full (%d).", limit)
	}
	return nil
}

// replaceLocked hands the attendee of old over to p. The roster line of old goes away only when p is
// announced, so that the others see no leave (the new, higher audio id comes first).
func (r *Room) replaceLocked(old, p *Participant) {
	p.supersedes = append(old.supersedes, old.audioID)
	if !old.announced {
		p.supersedes = old.supersedes
	}
	old.supersedes = nil
	old.announced = false
	reason := ReasonJoinedElsewhere
	if old.member.SessionID == p.member.SessionID {
		reason = ReasonReplaced
	}
	p.takePresenceLocked(old, reason)
	r.removeLocked(old, false)
	old.endLocked(reason)
}

func (r *Room) findLocked(attendeeID string) *Participant {
	for _, p := range *r.members.Load() {
		if p.member.AttendeeID == attendeeID {
			return p
		}
	}
	return nil
}

// leave takes p out; a participant that has gone already is left alone.
func (r *Room) leave(p *Participant, dropped bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removeLocked(p, dropped)
}

// removeLocked takes p out of the room and tells the others.
func (r *Room) removeLocked(p *Participant, dropped bool) {
	if p.gone {
		return
	}
	p.gone = true
	members := slices.DeleteFunc(slices.Clone(*r.members.Load()), func(q *Participant) bool { return q == p })
	r.members.Store(&members)
	p.stopLocked()
	if p.content {
		r.excludeLocked()
	}
	var entries []RosterEntry
	for _, id := range p.supersedes {
		entries = append(entries, RosterEntry{AudioStreamID: id, Dropped: dropped})
	}
	if p.announced {
		entries = append(entries, RosterEntry{AudioStreamID: p.audioID, Dropped: dropped})
	}
	r.broadcastLocked(entries)
	p.reportGoneLocked(dropped)
	r.indexDirty = true
	r.countLocked()
}

// countLocked reports the number of people when it has changed.
func (r *Room) countLocked() {
	n := 0
	for _, p := range *r.members.Load() {
		if !p.content {
			n++
		}
	}
	if n != r.people {
		r.people = n
		r.hub.presence.put(r.id, n)
	}
}

func (r *Room) endAll(reason Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range *r.members.Load() {
		r.removeLocked(p, reason == ReasonRestart)
		p.endLocked(reason)
	}
}

// expel ends a participant whose handling has failed.
func (r *Room) expel(p *Participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !p.gone {
		r.removeLocked(p, true)
		p.endLocked(ReasonMediaLost)
	}
}

func (r *Room) endAttendee(attendeeID string, reason Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range *r.members.Load() {
		if base(p.member.AttendeeID) == attendeeID {
			r.removeLocked(p, false)
			p.endLocked(reason)
		}
	}
}

// contentSuffix marks the second connection of an attendee that carries a screen share.
const contentSuffix = "#content"

// base returns the attendee id without its modality.
func base(attendeeID string) string { return strings.TrimSuffix(attendeeID, contentSuffix) }
