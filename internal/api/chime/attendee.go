package chime

import (
	"carillon/internal/meetings"
)

type attendeeReply struct {
	Attendee attendee
}

// attendee is the API's Attendee.
type attendee struct {
	ExternalUserID string `json:"ExternalUserId"`
	AttendeeID     string `json:"AttendeeId"`
	JoinToken      string
	Capabilities   capabilities
}

type capabilities struct{ Audio, Video, Content string }

func (h *Handler) createAttendee(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	in, err := readAttendee(c.body)
	if err != nil {
		return nil, err
	}
	a, err := h.meetings.CreateAttendee(c.context(), c.actor, id, in)
	if err != nil {
		return nil, err
	}
	return attendeeReply{Attendee: attendee{
		ExternalUserID: a.ExternalUserID,
		AttendeeID:     a.ID,
		JoinToken:      a.JoinToken,
		Capabilities:   capabilities(a.Capabilities),
	}}, nil
}

// readAttendee reads the input of CreateAttendee.
func readAttendee(body []byte) (meetings.NewAttendee, error) {
	o, in := readObject(body)
	a := meetings.NewAttendee{ExternalUserID: o.required("ExternalUserId", externalID...)}
	if given, ok := o.child("Capabilities"); ok {
		a.Capabilities = &meetings.Capabilities{
			Audio:   given.required("Audio", capability),
			Video:   given.required("Video", capability),
			Content: given.required("Content", capability),
		}
	}
	if err := in.err(); err != nil {
		return a, err
	}
	if reserved(a.ExternalUserID) {
		return a, badRequest("ExternalUserId must not start with aws:, which is reserved.")
	}
	return a, nil
}
