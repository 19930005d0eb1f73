package chime

import (
	"strings"

	"carillon/internal/ids"
	"carillon/internal/meetings"
)

type attendeeReply struct {
	Attendee attendee
}

type attendeesReply struct {
	Attendees []attendee
	NextToken string `json:",omitempty"`
}

// attendee is the API's Attendee.
type attendee struct {
	ExternalUserID string `json:"ExternalUserId"`
	AttendeeID     string `json:"AttendeeId"`
	JoinToken      string
	Capabilities   capabilities
}

type capabilities struct{ Audio, Video, Content string }

func attendeeOf(a meetings.Attendee) attendee {
	return attendee{
		ExternalUserID: a.ExternalUserID,
		AttendeeID:     a.ID,
		JoinToken:      a.JoinToken,
		Capabilities:   capabilities(a.Capabilities),
	}
}

func (h *Handler) createAttendee(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	in, err := h.readAttendee(c.body)
	if err != nil {
		return nil, err
	}
	admitted, err := h.meetings.CreateAttendees(c.context(), c.actor, id, []meetings.NewAttendee{in})
	if err != nil {
		return nil, err
	}
	if err := admitted[0].Err; err != nil {
		return nil, err
	}
	return attendeeReply{attendeeOf(admitted[0].Attendee)}, nil
}

func (h *Handler) getAttendee(c call) (any, error) {
	id, attendeeID, err := attendeeIDs(c)
	if err != nil {
		return nil, err
	}
	a, err := h.meetings.GetAttendee(c.context(), c.actor, id, attendeeID)
	if err != nil {
		return nil, err
	}
	return attendeeReply{attendeeOf(a)}, nil
}

func (h *Handler) listAttendees(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	limit, token, err := h.readPage(c)
	if err != nil {
		return nil, err
	}
	list, next, err := h.meetings.ListAttendees(c.context(), c.actor, id, limit, token)
	if err != nil {
		return nil, err
	}
	reply := attendeesReply{Attendees: make([]attendee, 0, len(list)), NextToken: next}
	for _, a := range list {
		reply.Attendees = append(reply.Attendees, attendeeOf(a))
	}
	return reply, nil
}

func (h *Handler) deleteAttendee(c call) (any, error) {
	id, attendeeID, err := attendeeIDs(c)
	if err != nil {
		return nil, err
	}
	return nil, h.meetings.DeleteAttendee(c.context(), c.actor, id, attendeeID)
}

// attendeeIDs are the two labels of the path. Ids are lower case here, and compared in any case.
func attendeeIDs(c call) (conferenceID, attendeeID string, err error) {
	if conferenceID, err = meetingID(c); err != nil {
		return "", "", err
	}
	if !ids.IsGUID(c.labels[1]) {
		return "", "", notGUID("attendeeId")
	}
	return conferenceID, strings.ToLower(c.labels[1]), nil
}

// readAttendee reads the input of CreateAttendee.
func (h *Handler) readAttendee(body []byte) (meetings.NewAttendee, error) {
	o, in := readObject(body)
	a := h.newAttendee(o)
	o.obey("ExternalUserId", a.ExternalUserID, h.external)
	twice := h.attendeeTags(o, &a)
	if err := in.err(); err != nil {
		return a, err
	}
	switch {
	case reserved(a.ExternalUserID):
		return a, badRequest("ExternalUserId must not start with aws:, which is reserved.")
	case twice:
		return a, badRequest("Tags must not hold a key twice.")
	}
	return a, checkTagKeys(a.Tags)
}

// newAttendee reads the members of an attendee and checks what the model says of them.
func (h *Handler) newAttendee(o object) meetings.NewAttendee {
	a := meetings.NewAttendee{ExternalUserID: o.required("ExternalUserId", h.externalModel...)}
	if given, ok := o.child("Capabilities"); ok {
		read := readCapabilities(given)
		a.Capabilities = &read
	}
	return a
}

// attendeeTags reads the tags that attendees have in the older API only.
func (h *Handler) attendeeTags(o object, a *meetings.NewAttendee) (twice bool) {
	if h.old {
		a.Tags, twice = h.readTags(o, 1, 10)
	}
	return twice
}

func readCapabilities(o object) meetings.Capabilities {
	return meetings.Capabilities{
		Audio:   o.required("Audio", capability),
		Video:   o.required("Video", capability),
		Content: o.required("Content", capability),
	}
}
