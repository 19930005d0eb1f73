// Package meetings holds the rules of meetings: listed meetings that people own, and the conferences
// behind them, which are what people connect to.
//
// A listed meeting has a title, a description and an owner and lasts until somebody deletes it. Joining it
// opens a conference, or finds the open one; a conference ends when nobody was connected to it for a while,
// when it is too old, or when it or its meeting is deleted. API keys create conferences without a listed
// meeting. Whoever may connect to a conference is one of its attendees and holds a join token.
//
// Everything here is rows that survive a restart. The live side is behind the interface Live, and is told
// through the change feed. The package starts no goroutine; Run is the sweeper for the caller to start.
package meetings

import (
	"time"
)

// Meeting is a listed meeting.
type Meeting struct {
	ID           string    `json:"id"`
	Title        string    `json:"title"`
	Description  string    `json:"description"`
	OwnerID      string    `json:"ownerId"`      // account
	ConferenceID string    `json:"conferenceId"` // the open conference, or what the client stored, or ""
	CreatedAt    time.Time `json:"createdAt"`    // UTC, in microseconds, as all times here
	UpdatedAt    time.Time `json:"updatedAt"`
}

// Conference is what attendees connect to; the Chime API calls it a meeting.
type Conference struct {
	ID                 string            `json:"id"`
	ExternalID         string            `json:"externalId"`
	MediaRegion        string            `json:"mediaRegion"`
	HostID             string            `json:"hostId"`
	MeetingID          string            `json:"meetingId"` // the listed meeting it belongs to, or ""
	KeyID              string            `json:"keyId"`     // tenant: the API key that made it, or ""
	ClientRequestToken string            `json:"clientRequestToken"`
	Features           Features          `json:"features"`
	PrimaryID          string            `json:"primaryId"`
	TenantIDs          []string          `json:"tenantIds"`
	Tags               map[string]string `json:"tags"`
	CreatedAt          time.Time         `json:"createdAt"`
	EndedAt            *time.Time        `json:"endedAt"`    // nil while it is open
	EmptySince         *time.Time        `json:"emptySince"` // nil while somebody is connected
}

// Features are the options of a conference; the zero value of each means "not given".
type Features struct {
	EchoReduction     string `json:"echoReduction,omitempty"`
	VideoResolution   string `json:"videoResolution,omitempty"`
	ContentResolution string `json:"contentResolution,omitempty"`
	MaxAttendees      int    `json:"maxAttendees,omitempty"`
}

// Capabilities say what an attendee may do with each kind of media: SendReceive, Send, Receive or None.
type Capabilities struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

// Attendee is somebody who may connect to a conference.
type Attendee struct {
	ID             string       `json:"id"`
	ConferenceID   string       `json:"conferenceId"`
	ExternalUserID string       `json:"externalUserId"`
	AccountID      string       `json:"accountId"` // "" for attendees made through the Chime API
	JoinToken      string       `json:"-"`         // a secret: never in events or logs
	Capabilities   Capabilities `json:"capabilities"`
	CreatedAt      time.Time    `json:"createdAt"`
}

// Live is the running side of conferences. Its methods are idempotent and return without waiting for
// anybody's network.
type Live interface {
	// EndConference tells everybody in the conference that it has ended and lets go of it.
	EndConference(conferenceID string)
	// RemoveAttendee ends the connections of one attendee.
	RemoveAttendee(conferenceID, attendeeID string)
	// SetCapabilities changes what one attendee may send and receive, at once.
	SetCapabilities(conferenceID, attendeeID string, c Capabilities)
}
