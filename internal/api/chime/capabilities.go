package chime

import (
	"carillon/internal/meetings"
)

func (h *Handler) updateAttendeeCapabilities(c call) (any, error) {
	id, attendeeID, err := attendeeIDs(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	to := requireCapabilities(o)
	if err := in.err(); err != nil {
		return nil, err
	}
	a, err := h.meetings.UpdateCapabilities(c.context(), c.actor, id, attendeeID, to)
	if err != nil {
		return nil, err
	}
	return attendeeReply{attendeeOf(a)}, nil
}

func (h *Handler) batchUpdateAttendeeCapabilitiesExcept(c call) (any, error) {
	id, err := meetingID(c)
	if err != nil {
		return nil, err
	}
	o, in := readObject(c.body)
	o.require("ExcludedAttendeeIds")
	var excluded []string
	for _, item := range o.objects("ExcludedAttendeeIds", 1, 250) {
		excluded = append(excluded, item.required("AttendeeId", guid))
	}
	to := requireCapabilities(o)
	if err := in.err(); err != nil {
		return nil, err
	}
	return nil, h.meetings.UpdateCapabilitiesExcept(c.context(), c.actor, id, excluded, to)
}

func requireCapabilities(o object) meetings.Capabilities {
	o.require("Capabilities")
	given, ok := o.child("Capabilities")
	if !ok {
		return meetings.Capabilities{}
	}
	return readCapabilities(given)
}
