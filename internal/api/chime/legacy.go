package chime

import "net/http"

// The operations that only the older API has: tags by path, and calls to telephones.

func (h *Handler) tagMeeting(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	tags, err := h.readTagList(o, in, 1, 50)
	if err != nil {
		return nil, err
	}
	return nil, h.meetings.TagConference(c.context(), c.actor, id, tags)
}

func (h *Handler) untagMeeting(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	keys, err := h.readTagKeys(o, in, 1, 50)
	if err != nil {
		return nil, err
	}
	return nil, h.meetings.UntagConference(c.context(), c.actor, id, keys)
}

func (h *Handler) listMeetingTags(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	tags, err := h.meetings.ConferenceTags(c.context(), c.actor, id)
	if err != nil {
		return nil, err
	}
	return tagsOf(tags), nil
}

func (h *Handler) tagAttendee(c call) (any, error) {
	id, attendeeID, err := attendeeIDs(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	tags, err := h.readTagList(o, in, 1, 10)
	if err != nil {
		return nil, err
	}
	return nil, h.meetings.TagAttendee(c.context(), c.actor, id, attendeeID, tags)
}

func (h *Handler) untagAttendee(c call) (any, error) {
	id, attendeeID, err := attendeeIDs(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	keys, err := h.readTagKeys(o, in, 1, 10)
	if err != nil {
		return nil, err
	}
	return nil, h.meetings.UntagAttendee(c.context(), c.actor, id, attendeeID, keys)
}

func (h *Handler) listAttendeeTags(c call) (any, error) {
	id, attendeeID, err := attendeeIDs(c)
	if err != nil {
		return nil, err
	}
	tags, err := h.meetings.AttendeeTags(c.context(), c.actor, id, attendeeID)
	if err != nil {
		return nil, err
	}
	return tagsOf(tags), nil
}

// createMeetingDialOut refuses after it has checked the request: this server reaches no telephones.
func (h *Handler) createMeetingDialOut(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	o.required("FromPhoneNumber", telephone)
	o.required("ToPhoneNumber", telephone)
	o.required("JoinToken", length(2, 2048))
	if err := in.err(); err != nil {
		return nil, err
	}
	if _, err := h.meetings.GetConference(c.context(), c.actor, id); err != nil {
		return nil, err
	}
	return nil, failure{http.StatusForbidden, "AccessDeniedException", "AccessDenied", "This server has no connection to the telephone network.", ""}
}
