package graphql

import (
	"context"

	"carillon/internal/api/graphql/graph"
	"carillon/internal/api/placement"
	"carillon/internal/meetings"
)

// The two documents of JoinInfo, with the member names of the Chime API.
type (
	meetingDocument struct{ Meeting chimeMeeting }

	chimeMeeting struct {
		MeetingId         string
		ExternalMeetingId string
		MediaRegion       string
		MediaPlacement    placement.URLs
		MeetingFeatures   chimeFeatures
	}

	// Members that were not asked for are left out: clients take their presence as a request.
	chimeFeatures struct {
		Audio    *echoReduction `json:",omitempty"`
		Video    *maxResolution `json:",omitempty"`
		Content  *maxResolution `json:",omitempty"`
		Attendee *maxCount      `json:",omitempty"`
	}

	echoReduction struct{ EchoReduction string }
	maxResolution struct{ MaxResolution string }
	maxCount      struct{ MaxCount int }

	attendeeDocument struct{ Attendee chimeAttendee }

	chimeAttendee struct {
		AttendeeId     string
		ExternalUserId string
		JoinToken      string
		Capabilities   capabilities
	}

	capabilities struct{ Audio, Video, Content string }
)

func (m mutation) JoinMeeting(ctx context.Context, id string, name *string) (*graph.JoinInfo, error) {
	c := callerOf(ctx)
	displayName := value(name)
	if displayName == "" {
		displayName = c.session.Account.Name
	}
	joined, err := m.Meetings.Join(ctx, c.session.Account.Actor(), id, displayName)
	if err != nil {
		return nil, err
	}
	return &graph.JoinInfo{
		Meeting:  meetingOf(joined.Conference, m.Placement.ForRequest(c.request, joined.Conference.ID)),
		Attendee: attendeeOf(joined.Attendee),
	}, nil
}

func meetingOf(c meetings.Conference, urls placement.URLs) meetingDocument {
	return meetingDocument{Meeting: chimeMeeting{
		MeetingId:         c.ID,
		ExternalMeetingId: c.ExternalID,
		MediaRegion:       c.MediaRegion,
		MediaPlacement:    urls,
		MeetingFeatures:   featuresOf(c.Features),
	}}
}

func featuresOf(f meetings.Features) (out chimeFeatures) {
	if f.EchoReduction != "" {
		out.Audio = &echoReduction{f.EchoReduction}
	}
	if f.VideoResolution != "" {
		out.Video = &maxResolution{f.VideoResolution}
	}
	if f.ContentResolution != "" {
		out.Content = &maxResolution{f.ContentResolution}
	}
	if f.MaxAttendees != 0 {
		out.Attendee = &maxCount{f.MaxAttendees}
	}
	return out
}

func attendeeOf(a meetings.Attendee) attendeeDocument {
	return attendeeDocument{Attendee: chimeAttendee{
		AttendeeId:     a.ID,
		ExternalUserId: a.ExternalUserID,
		JoinToken:      a.JoinToken,
		Capabilities:   capabilities(a.Capabilities),
	}}
}
