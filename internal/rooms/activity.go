package rooms

import (
	"log/slog"
	"sync"
	"time"
)

// Activity is something that a participant did, for the control plane.
type Activity struct {
	Kind           ActivityKind
	ConferenceID   string
	AttendeeID     string // without the modality
	ExternalUserID string
	Content        bool // it was done by the connection that shares the attendee's screen
	At             time.Time
}

// ActivityKind says what was done.
type ActivityKind int

// The kinds. Between Joined and the one Left or Dropped that follows it, an attendee who reconnects or
// comes from another device stays joined.
const (
	Joined       ActivityKind = iota + 1
	Left                      // at its own wish, or because the conference or the server ended it
	Dropped                   // the connection was lost and did not come back, or the server stopped
	Authorized                // the attendee came again from elsewhere
	VideoStarted              // the camera was switched on, or the shared screen sends pictures
	VideoStopped
)

// takePresenceLocked lets p go on as the same joined attendee as old.
func (p *Participant) takePresenceLocked(old *Participant, reason Reason) {
	p.present, old.present = old.present, false
	if p.present && reason == ReasonJoinedElsewhere {
		p.reportLocked(Authorized)
	}
}

func (p *Participant) reportJoinedLocked() {
	if !p.present {
		p.present = true
		p.reportLocked(Joined)
	}
}

func (p *Participant) reportGoneLocked(dropped bool) {
	if !p.present {
		return
	}
	p.present = false
	kind := Left
	if dropped {
		kind = Dropped
	}
	p.reportLocked(kind)
}

func (p *Participant) reportLocked(kind ActivityKind) {
	p.room.hub.activity.put(Activity{
		Kind: kind, ConferenceID: p.room.id, AttendeeID: base(p.member.AttendeeID),
		ExternalUserID: p.member.ExternalUserID, Content: p.content, At: time.Now(),
	})
}

// maxActivities bounds what waits for a database that hangs.
const maxActivities = 1 << 16

// activityQueue carries activities out of the rooms' locks to the control plane, in order.
type activityQueue struct {
	*courier
	report func([]Activity)
	log    *slog.Logger

	mu      sync.Mutex
	pending []Activity
	lost    int // since the last report, because pending was full
}

func newActivityQueue(report func([]Activity), log *slog.Logger) *activityQueue {
	q := &activityQueue{report: report, log: log}
	if report == nil {
		q.report = func([]Activity) {}
	}
	q.courier = newCourier(q.deliver, log)
	return q
}

func (q *activityQueue) put(a Activity) {
	q.mu.Lock()
	if len(q.pending) < maxActivities {
		q.pending = append(q.pending, a)
	} else {
		q.lost++
	}
	q.mu.Unlock()
	q.wake()
}

func (q *activityQueue) deliver() {
	q.mu.Lock()
	list, lost := q.pending, q.lost
	q.pending, q.lost = nil, 0
	q.mu.Unlock()
	if lost > 0 {
		q.log.Error("activities were lost, because recording them takes too long", "lost", lost)
	}
	if len(list) > 0 {
		q.report(list)
	}
}
