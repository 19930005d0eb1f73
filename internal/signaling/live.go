package signaling

import (
	"carillon/internal/meetings"
	"carillon/internal/rooms"
)

var _ meetings.Live = (*Server)(nil)

// EndConference implements meetings.Live: everybody in the conference is told that it has ended.
func (s *Server) EndConference(conferenceID string) {
	s.joining.Lock()
	defer s.joining.Unlock()
	s.cfg.Hub.End(conferenceID)
}

// RemoveAttendee implements meetings.Live.
func (s *Server) RemoveAttendee(conferenceID, attendeeID string) {
	s.joining.Lock()
	defer s.joining.Unlock()
	s.cfg.Hub.Remove(conferenceID, attendeeID)
}

// SetCapabilities implements meetings.Live.
func (s *Server) SetCapabilities(conferenceID, attendeeID string, c meetings.Capabilities) {
	s.joining.Lock()
	defer s.joining.Unlock()
	s.cfg.Hub.SetCapabilities(conferenceID, attendeeID, capabilities(c))
}

// capabilities translates between the planes.
func capabilities(c meetings.Capabilities) rooms.Capabilities {
	return rooms.Capabilities{Audio: capability(c.Audio), Video: capability(c.Video), Content: capability(c.Content)}
}

// capability reads one value of the Meetings API; what is not one of them allows nothing.
func capability(value string) rooms.Capability {
	return rooms.Capability{
		Send:    value == "SendReceive" || value == "Send",
		Receive: value == "SendReceive" || value == "Receive",
	}
}
