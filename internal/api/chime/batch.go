package chime

import (
	"carillon/internal/meetings"
)

// batchReply is the part of an answer that says what became of each attendee of a list.
type batchReply struct {
	Attendees []attendee
	Errors    []attendeeError
}

type attendeeError struct {
	ExternalUserID string `json:"ExternalUserId"`
	ErrorCode      string
	ErrorMessage   string
}

type meetingWithAttendeesReply struct {
	meetingReply
	batchReply
}

func (h *Handler) createMeetingWithAttendees(c call) (any, error) {
	in, list, err := h.readMeetingWithAttendees(c.body)
	if err != nil {
		return nil, err
	}
	in.MaxOpen = c.key.Limits.MaxConferences
	conference, admitted, err := h.meetings.CreateConferenceWithAttendees(c.context(), c.actor, in, good(list))
	if err != nil {
		return nil, err
	}
	return meetingWithAttendeesReply{h.meetingReply(c, conference), h.batchReply(list, admitted)}, nil
}

func (h *Handler) readMeetingWithAttendees(body []byte) (meetings.NewConference, []entry, error) {
	o, in := readObject(body)
	if !h.old {
		o.require("Attendees")
	}
	list := h.readEntries(o, 1, h.firstBatch)
	m, err := h.readMeetingObject(o, in)
	return m, list, err
}

func (h *Handler) batchCreateAttendee(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	o.require("Attendees")
	list := h.readEntries(o, 1, 100)
	if err := in.err(); err != nil {
		return nil, err
	}
	admitted, err := h.meetings.CreateAttendees(c.context(), c.actor, id, good(list))
	if err != nil {
		return nil, err
	}
	return h.batchReply(list, admitted), nil
}

// entry is one attendee of a list, and what is wrong with it alone.
type entry struct {
	in    meetings.NewAttendee
	fault *failure
}

// readEntries reads a list of attendees. What breaks the model makes the whole request invalid; what
// breaks a rule beyond it is told of that one attendee.
func (h *Handler) readEntries(o object, low, high int) []entry {
	var list []entry
	for _, item := range o.objects("Attendees", low, high) {
		e := entry{in: h.newAttendee(item)}
		twice := h.attendeeTags(item, &e.in)
		fault := failure{}
		switch {
		case reserved(e.in.ExternalUserID):
			fault = badRequest("ExternalUserId must not start with aws:, which is reserved.")
		case breaks(e.in.ExternalUserID, h.external):
			fault = badRequest("ExternalUserId holds a character that is not allowed.")
		case twice:
			fault = badRequest("Tags must not hold a key twice.")
		case checkTagKeys(e.in.Tags) != nil:
			fault = reservedTagKey
		}
		if fault != (failure{}) {
			e.fault = &fault
		}
		list = append(list, e)
	}
	return list
}

func breaks(text string, rules []rule) bool {
	for _, check := range rules {
		if check(text) != "" {
			return true
		}
	}
	return false
}

// good are the entries that the service is asked about.
func good(list []entry) []meetings.NewAttendee {
	var in []meetings.NewAttendee
	for _, e := range list {
		if e.fault == nil {
			in = append(in, e.in)
		}
	}
	return in
}

// batchReply puts the answers of the service and the faults found before together, in the order of the
// request. Two entries with one user are one attendee.
func (h *Handler) batchReply(list []entry, admitted []meetings.Admission) batchReply {
	reply := batchReply{Attendees: []attendee{}, Errors: []attendeeError{}}
	seen := make(map[string]bool)
	for _, e := range list {
		fault := e.fault
		if fault == nil {
			var answer meetings.Admission
			answer, admitted = admitted[0], admitted[1:]
			if answer.Err == nil {
				if !seen[answer.Attendee.ID] {
					seen[answer.Attendee.ID] = true
					reply.Attendees = append(reply.Attendees, attendeeOf(answer.Attendee))
				}
				continue
			}
			f := failureOf(answer.Err)
			fault = &f
		}
		reply.Errors = append(reply.Errors, attendeeError{e.in.ExternalUserID, fault.code, fault.message})
	}
	return reply
}
