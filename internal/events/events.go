// Package events is the change feed: what changed in the database, in the order of the commits.
//
// A change and its event are written in one transaction (the outbox pattern), so an event exists exactly
// when its change does. Storage owns the table and implements Log. The Feed reads the table after each
// commit and delivers in two ways: to subscriptions, which are live and forgotten with the process, and to
// named consumers, whose position is stored and which therefore see every event at least once.
package events

import (
	"context"
	"time"
)

// Type says what happened. The names are stable: clients and stored events contain them.
type Type string

// The types of change.
const (
	MeetingCreated    Type = "meeting.created"
	MeetingUpdated    Type = "meeting.updated"
	MeetingDeleted    Type = "meeting.deleted"
	ConferenceCreated Type = "conference.created"
	ConferenceEnded   Type = "conference.ended"
	AttendeeCreated   Type = "attendee.created"
	AttendeeUpdated   Type = "attendee.updated"
	AttendeeDeleted   Type = "attendee.deleted"
)

// The types of what happens in a running conference; the subject is the attendee.
const (
	AttendeeJoined      Type = "attendee.joined"
	AttendeeLeft        Type = "attendee.left"
	AttendeeDropped     Type = "attendee.dropped"    // the connection was lost
	AttendeeAuthorized  Type = "attendee.authorized" // the attendee came again, on another device
	VideoStarted        Type = "attendee.video.started"
	VideoStopped        Type = "attendee.video.stopped"
	ContentJoined       Type = "content.joined"
	ContentLeft         Type = "content.left"
	ContentDropped      Type = "content.dropped"
	ContentVideoStarted Type = "content.video.started"
	ContentVideoStopped Type = "content.video.stopped"
)

// Event is one committed change.
type Event struct {
	Seq     int64     // position in the log; grows with every commit, with gaps, and is never used twice
	Type    Type      // what happened
	Subject string    // id of the thing that changed
	Payload []byte    // JSON of the row as it is after the change; for a deletion, as it was before
	At      time.Time // when the change was made, UTC
}

// Log is the stored list of events. Seq follows the order of the commits: once an event can be read, no
// event with a smaller Seq appears later.
type Log interface {
	// After returns at most limit events with a Seq greater than seq, in order.
	After(ctx context.Context, seq int64, limit int) ([]Event, error)
	// Last returns the greatest Seq in the log, 0 when the log is empty.
	Last(ctx context.Context) (int64, error)
	// Cursor returns the Seq that the consumer has handled last, 0 for a new consumer.
	Cursor(ctx context.Context, consumer string) (int64, error)
	// SetCursor stores the Seq that the consumer has handled last.
	SetCursor(ctx context.Context, consumer string, seq int64) error
	// Prune removes the events made before the given time.
	Prune(ctx context.Context, before time.Time) error
}
