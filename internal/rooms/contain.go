package rooms

import (
	"log/slog"
	"runtime/debug"
)

// contain is deferred around whatever is done for one participant on a goroutine that is not its own: the clock, and
// the sessions of others. A panic ends this participant, whose client is asked to come again, and nobody else.
func (p *Participant) contain() {
	v := recover()
	if v == nil || !p.broken.CompareAndSwap(false, true) {
		return
	}
	p.log.Error("panic in the handling of a participant", "panic", v, "stack", string(debug.Stack()))
	h := p.room.hub
	go h.background(func() { h.expel(p) }) // not here: the room's lock may be held
}

// contain is deferred around the work of the clock that is not done for anybody in particular. A panic ends the calls
// of this room.
func (r *Room) contain() {
	v := recover()
	if v == nil || !r.broken.CompareAndSwap(false, true) {
		return
	}
	r.log.Error("panic in the clock of a room", "panic", v, "stack", string(debug.Stack()))
	go r.hub.background(func() { r.hub.endRoom(r) })
}

// containWork is deferred around work on a goroutine of its own that is done for more than one participant, or for the
// control plane. A panic ends that piece of work.
func containWork(log *slog.Logger, what string) {
	if v := recover(); v != nil {
		log.Error("panic in the work of rooms", "work", what, "panic", v, "stack", string(debug.Stack()))
	}
}

// guarded is the Observer of a participant, contained.
type guarded struct {
	p  *Participant
	to Observer
}

func (g guarded) Index(ix *Shared[Index])         { defer g.p.contain(); g.to.Index(ix) }
func (g guarded) Roster(e *Shared[[]RosterEntry]) { defer g.p.contain(); g.to.Roster(e) }
func (g guarded) Volumes(v *Shared[[]Volume])     { defer g.p.contain(); g.to.Volumes(v) }
func (g guarded) Signals(s *Shared[[]Signal])     { defer g.p.contain(); g.to.Signals(s) }
func (g guarded) Bitrates(b []Bitrate, estimate int64) {
	defer g.p.contain()
	g.to.Bitrates(b, estimate)
}
func (g guarded) Paused(groups []uint32, paused bool) {
	defer g.p.contain()
	g.to.Paused(groups, paused)
}
func (g guarded) Messages(m *Shared[[]Message]) { defer g.p.contain(); g.to.Messages(m) }
func (g guarded) Ended(reason Reason)           { defer g.p.contain(); g.to.Ended(reason) }

var _ Observer = guarded{}
