package server

import (
	"context"

	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/rooms"
)

// record hands what people do in rooms to the control plane.
func (s *Server) record(list []rooms.Activity) {
	told := make([]meetings.Activity, 0, len(list))
	for _, a := range list {
		told = append(told, meetings.Activity{Type: activityType(a), ConferenceID: a.ConferenceID,
			AttendeeID: a.AttendeeID, ExternalUserID: a.ExternalUserID, At: a.At})
	}
	if err := s.meetings.RecordActivity(context.Background(), told); err != nil {
		s.logger.Error("cannot record what people do in meetings", "lost", len(list), "reason", err)
	}
}

// activityType is the event that an activity causes.
func activityType(a rooms.Activity) events.Type {
	person := map[rooms.ActivityKind]events.Type{
		rooms.Joined: events.AttendeeJoined, rooms.Left: events.AttendeeLeft, rooms.Dropped: events.AttendeeDropped,
		rooms.Authorized: events.AttendeeAuthorized, rooms.VideoStarted: events.VideoStarted, rooms.VideoStopped: events.VideoStopped,
	}
	content := map[rooms.ActivityKind]events.Type{
		rooms.Joined: events.ContentJoined, rooms.Left: events.ContentLeft, rooms.Dropped: events.ContentDropped,
		rooms.Authorized: events.AttendeeAuthorized, rooms.VideoStarted: events.ContentVideoStarted, rooms.VideoStopped: events.ContentVideoStopped,
	}
	if a.Content {
		return content[a.Kind]
	}
	return person[a.Kind]
}
