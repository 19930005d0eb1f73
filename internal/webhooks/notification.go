package webhooks

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/google/uuid"

	"carillon/internal/events"
	"carillon/internal/meetings"
)

// What every notification says about where it comes from. The names are those that consumers of the Chime
// SDK's events match on.
const (
	detailType    = "Chime Meeting State Change"
	source        = "aws.chime"
	account       = "000000000000"
	defaultRegion = "local" // for meetings that were made without a region
	timeFormat    = "2006-01-02T15:04:05Z"

	testDetailType = "Carillon Webhook Test"
	testEvent      = "carillon:WebhookTest"
)

// notification is the body of a request, in the form of an Amazon EventBridge event.
type notification struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     detail   `json:"detail"`
}

// detail is the event proper.
type detail struct {
	Version              string        `json:"version"`
	EventType            string        `json:"eventType"`
	Timestamp            int64         `json:"timestamp"` // milliseconds since 1970
	MeetingID            string        `json:"meetingId"`
	ExternalMeetingID    string        `json:"externalMeetingId"`
	MediaRegion          string        `json:"mediaRegion"`
	AttendeeID           string        `json:"attendeeId,omitempty"`
	ExternalUserID       string        `json:"externalUserId,omitempty"`
	NetworkType          string        `json:"networkType,omitempty"`
	Success              string        `json:"success,omitempty"`
	AttendeeCapabilities *capabilities `json:"attendeeCapabilities,omitempty"`
}

type capabilities struct {
	Audio   string `json:"audio"`
	Video   string `json:"video"`
	Content string `json:"content"`
}

// kind is how a change is told.
type kind struct {
	change  events.Type
	name    string
	voip    bool // it carries the network type
	allowed bool // it carries the capabilities
}

func kinds() []kind {
	return []kind{
		{change: events.ConferenceCreated, name: "chime:MeetingStarted"},
		{change: events.ConferenceEnded, name: "chime:MeetingEnded"},
		{change: events.AttendeeCreated, name: "chime:AttendeeAdded"},
		{change: events.AttendeeDeleted, name: "chime:AttendeeDeleted"},
		{change: events.AttendeeAuthorized, name: "chime:AttendeeAuthorized"},
		{change: events.AttendeeJoined, name: "chime:AttendeeJoined", voip: true},
		{change: events.AttendeeLeft, name: "chime:AttendeeLeft", voip: true},
		{change: events.AttendeeDropped, name: "chime:AttendeeDropped", voip: true},
		{change: events.VideoStarted, name: "chime:AttendeeVideoStarted"},
		{change: events.VideoStopped, name: "chime:AttendeeVideoStopped"},
		{change: events.ContentJoined, name: "chime:AttendeeContentJoined", voip: true},
		{change: events.ContentLeft, name: "chime:AttendeeContentLeft", voip: true},
		{change: events.ContentDropped, name: "chime:AttendeeContentDropped", voip: true},
		{change: events.ContentVideoStarted, name: "chime:AttendeeContentVideoStarted"},
		{change: events.ContentVideoStopped, name: "chime:AttendeeContentVideoStopped"},
		{change: events.AttendeeUpdated, name: "chime:AttendeeCapabilitiesUpdated", allowed: true},
	}
}

// EventTypes returns the events that webhooks can ask for.
func EventTypes() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func kindOf(change events.Type) (kind, bool) {
	all := kinds()
	i := slices.IndexFunc(all, func(k kind) bool { return k.change == change })
	if i < 0 {
		return kind{}, false
	}
	return all[i], true
}

// subject is what the payloads of the change feed have in common: the row of a conference or of an attendee,
// or an activity.
type subject struct {
	ID             string        `json:"id"`
	ConferenceID   string        `json:"conferenceId"`
	AttendeeID     string        `json:"attendeeId"`
	ExternalUserID string        `json:"externalUserId"`
	Capabilities   *capabilities `json:"capabilities"`
}

// conferenceOf is the conference that an event is about.
func conferenceOf(e events.Event) (subject, string, error) {
	var s subject
	if err := json.Unmarshal(e.Payload, &s); err != nil {
		return s, "", err
	}
	if e.Type == events.ConferenceCreated || e.Type == events.ConferenceEnded {
		return s, e.Subject, nil
	}
	return s, s.ConferenceID, nil
}

// notify makes the notification of an event. Its id follows from the event, so that an event which the
// consumer sees twice is told under the same id.
func notify(e events.Event, k kind, s subject, c meetings.Conference) notification {
	region := cmp.Or(c.MediaRegion, defaultRegion)
	n := notification{
		Version: "0", ID: eventID(c.ID, e.Seq), DetailType: detailType, Source: source, Account: account,
		Time: e.At.UTC().Format(timeFormat), Region: region, Resources: []string{},
		Detail: detail{
			Version: "0", EventType: k.name, Timestamp: e.At.UnixMilli(),
			MeetingID: c.ID, ExternalMeetingID: c.ExternalID, MediaRegion: region,
		},
	}
	if e.Subject != c.ID {
		n.Detail.AttendeeID = cmp.Or(s.AttendeeID, s.ID)
		n.Detail.ExternalUserID = s.ExternalUserID
	}
	if k.voip {
		n.Detail.NetworkType = "Voip"
	}
	if k.allowed {
		n.Detail.Success, n.Detail.AttendeeCapabilities = "1", s.Capabilities
	}
	return n
}

// eventID is a name-based UUID (RFC 9562 section 5.5).
func eventID(conferenceID string, seq int64) string {
	name := make([]byte, 8)
	for i := range name {
		name[i] = byte(seq >> (8 * i))
	}
	space, err := uuid.Parse(conferenceID)
	if err != nil {
		space = uuid.NewSHA1(uuid.NameSpaceURL, []byte(conferenceID))
	}
	return uuid.NewSHA1(space, name).String()
}
