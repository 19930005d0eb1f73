package meetings

import (
	"context"
	"time"

	"carillon/internal/events"
)

// Store keeps the rows. Reads outside Write see the last commit.
type Store interface {
	Reader
	// Write runs fn in one transaction that no other Write overlaps in effect: what fn has read stays true
	// until the commit. fn may be run again from the start when the database asks for it, so it must not
	// change anything but through tx. When fn fails nothing is written and its error is returned as it is.
	Write(ctx context.Context, fn func(tx Tx) error) error
	// PruneConferences forgets conferences that ended before the given time, with their attendees.
	PruneConferences(ctx context.Context, endedBefore time.Time) error
}

// Reader looks things up. A single thing that does not exist is an errs.NotFound error.
type Reader interface {
	Meeting(ctx context.Context, id string) (Meeting, error)
	// Meetings returns at most q.Limit meetings, newest first.
	Meetings(ctx context.Context, q MeetingQuery) ([]Meeting, error)

	// Conference returns open and ended conferences.
	Conference(ctx context.Context, id string) (Conference, error)
	// OpenConferences returns all open conferences, oldest first.
	OpenConferences(ctx context.Context) ([]Conference, error)
	// OpenConferencesOfKey returns at most limit open conferences that the key made, oldest first.
	OpenConferencesOfKey(ctx context.Context, keyID string, after *Position, limit int) ([]Conference, error)
	CountOpenConferences(ctx context.Context, keyID string) (int, error)
	// OpenReplicas returns the open conferences whose primary this is.
	OpenReplicas(ctx context.Context, primaryID string) ([]Conference, error)
	// OpenConferenceOf returns the open conference of a listed meeting.
	OpenConferenceOf(ctx context.Context, meetingID string) (Conference, error)
	// OpenConferenceByRequest returns the open conference that the key made with this request token.
	OpenConferenceByRequest(ctx context.Context, keyID, clientRequestToken string) (Conference, error)

	Attendee(ctx context.Context, conferenceID, id string) (Attendee, error)
	AttendeeByAccount(ctx context.Context, conferenceID, accountID string) (Attendee, error)
	// AttendeeByExternalUserID looks only at attendees without an account.
	AttendeeByExternalUserID(ctx context.Context, conferenceID, externalUserID string) (Attendee, error)
	CountAttendees(ctx context.Context, conferenceID string) (int, error)
	// Attendees returns at most limit attendees of a conference, oldest first.
	Attendees(ctx context.Context, conferenceID string, after *Position, limit int) ([]Attendee, error)
	AttendeeTags(ctx context.Context, conferenceID, id string) (map[string]string, error)
}

// Tx is one transaction. Inserting an id or a relation that must be unique twice is an errs.Conflict error.
type Tx interface {
	Reader
	InsertMeeting(ctx context.Context, m Meeting) error
	// UpdateMeeting writes title, description, conference and time of update.
	UpdateMeeting(ctx context.Context, m Meeting) error
	DeleteMeeting(ctx context.Context, id string) error
	InsertConference(ctx context.Context, c Conference) error
	// UpdateConference writes EndedAt and EmptySince.
	UpdateConference(ctx context.Context, c Conference) error
	SetConferenceTags(ctx context.Context, id string, tags map[string]string) error
	InsertAttendee(ctx context.Context, a Attendee) error
	// UpdateAttendee writes ExternalUserID and Capabilities.
	UpdateAttendee(ctx context.Context, a Attendee) error
	DeleteAttendee(ctx context.Context, conferenceID, id string) error
	SetAttendeeTags(ctx context.Context, conferenceID, id string, tags map[string]string) error
	// Emit adds an event to the change feed; the log gives it its Seq.
	Emit(ctx context.Context, e events.Event) error
}

// MeetingQuery selects meetings.
type MeetingQuery struct {
	Limit  int
	Filter Filter
	After  *Position // continue behind this meeting; nil = from the start
}

// Position is the place of something in a list, which is ordered by time of creation and then id: both
// descending for meetings, both ascending for conferences and attendees.
type Position struct {
	CreatedAt time.Time
	ID        string
}

// Filter narrows a list of meetings; all parts have to hold. The zero value lets everything through.
type Filter struct {
	ID          string // equal, "" = any
	OwnerID     string // equal, "" = any
	Title       Match
	Description Match
}

// Match is a condition on a text, case-sensitive; all parts have to hold.
type Match struct {
	Equals     *string // nil = any
	Contains   string  // "" = any
	BeginsWith string  // "" = any
}
