package signaling

import (
	"google.golang.org/protobuf/proto"

	"carillon/internal/errs"
	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

// Statuses of error frames.
const (
	statusBadRequest  = 400
	statusForbidden   = 403
	statusFull        = 409 // no room, or no right to share content: the client takes both the same way
	statusViewOnly    = 206 // the camera is refused, the session goes on
	statusUnavailable = 503
)

// handleJoin admits the client: JOIN_ACK, then the first INDEX. What is refused here is refused by
// close code, the only way that clients understand before they have an INDEX.
func (s *session) handleJoin(join *signalpb.SdkJoinFrame) {
	if s.participant != nil {
		return
	}
	// What the change feed says about attendees waits until this one is in the room.
	s.server.joining.RLock()
	defer s.server.joining.RUnlock()
	conference, attendee, err := s.server.cfg.Meetings.Authenticate(s.server.ctx, s.conferenceID, s.token)
	if err != nil {
		s.end(refusal(err))
		if errs.CodeOf(err) != errs.Gone {
			s.server.complain("signaling join refused", "conference", s.conferenceID, "reason", errs.CodeOf(err))
		}
		return
	}
	attendeeID := attendee.ID
	if s.content {
		attendeeID += contentSuffix
	}
	s.attendeeID = attendeeID
	participant, err := s.server.cfg.Hub.Join(rooms.Member{
		ConferenceID:    conference.ID,
		AttendeeID:      attendeeID,
		ExternalUserID:  attendee.ExternalUserID,
		SessionID:       join.GetAudioSessionId(),
		MaxParticipants: conference.Features.MaxAttendees,
		Capabilities:    capabilities(attendee.Capabilities),
		NoKeyFrames:     join.GetDisablePeriodicKeyframeRequestOnContentSender(),
		Adaptation:      adaptation(join),
		Estimates:       !takesEstimates(join.GetClientDetails().GetChimeSdkVersion()),
		Observer:        observer{s},
	})
	if err != nil {
		s.refuseJoin(err)
		return
	}
	s.participant = participant
	s.compress = join.GetWantsCompressedSdp()
	s.log().Info("attendee joined", "client", join.GetClientDetails().GetChimeSdkVersion())
	s.send(&signalpb.SdkSignalFrame{
		Type: signalpb.SdkSignalFrame_JOIN_ACK.Enum(),
		Joinack: &signalpb.SdkJoinAckFrame{
			TurnCredentials:        s.enterRelay(attendee.ID),
			VideoSubscriptionLimit: proto.Uint32(rooms.MaxReceived),
			WantsCompressedSdp:     proto.Bool(s.compress),

			DefaultServerSideNetworkAdaption: agreed(join),
		},
	})
	participant.ShowIndex()
	participant.Replay()
}

// refuseJoin turns away somebody whom the room does not admit.
func (s *session) refuseJoin(err error) {
	if code := errs.CodeOf(err); code != errs.LimitExceeded && code != errs.Forbidden {
		s.end(ending{code: closeRetry, reason: "try again"})
		return
	}
	message, _ := errs.Public(err)
	s.send(&signalpb.SdkSignalFrame{
		Type:    signalpb.SdkSignalFrame_JOIN_ACK.Enum(),
		Error:   errorFrame(statusFull, message),
		Joinack: &signalpb.SdkJoinAckFrame{},
	})
}

func refusal(err error) ending {
	switch errs.CodeOf(err) {
	case errs.Gone:
		return ending{code: closeEnded, reason: "the conference has ended"}
	case errs.Unauthenticated, errs.NotFound, errs.Forbidden, errs.Invalid:
		return ending{code: closeForbidden, reason: "the join token is not valid"}
	}
	return ending{code: closeRetry, reason: "try again"}
}

func errorFrame(status uint32, description string) *signalpb.SdkErrorFrame {
	return &signalpb.SdkErrorFrame{Status: proto.Uint32(status), Description: proto.String(description)}
}

// refuse answers a frame that cannot be served. The type is that of the frame where there is one.
func (s *session) refuse(kind signalpb.SdkSignalFrame_Type, status uint32, description string) {
	answer := signalpb.SdkSignalFrame_NOTIFICATION
	f := &signalpb.SdkSignalFrame{Error: errorFrame(status, description)}
	if kind == signalpb.SdkSignalFrame_SUBSCRIBE {
		answer = signalpb.SdkSignalFrame_SUBSCRIBE_ACK
		f.Suback = &signalpb.SdkSubscribeAckFrame{}
	} else {
		// A notification is the one frame whose error does not end the client's meeting.
		level := signalpb.SdkNotificationFrame_ERROR
		f.Notification = &signalpb.SdkNotificationFrame{Level: &level, Message: proto.String(description)}
	}
	f.Type = answer.Enum()
	s.send(f)
}
