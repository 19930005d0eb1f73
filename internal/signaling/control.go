package signaling

import (
	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"carillon/internal/media/bwe"
	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

// handlePing answers with the id of the ping; clients count an older id as no answer.
func (s *session) handlePing(ping *signalpb.SdkPingPongFrame) {
	if ping.GetType() != signalpb.SdkPingPongType_PING {
		return
	}
	s.send(&signalpb.SdkSignalFrame{
		Type: signalpb.SdkSignalFrame_PING_PONG.Enum(),
		PingPong: &signalpb.SdkPingPongFrame{
			Type:   signalpb.SdkPingPongType_PONG.Enum(),
			PingId: proto.Uint32(ping.GetPingId()),
		},
	})
}

// handleLeave takes the participant out of the room at once and acknowledges, also to a client that
// has been ended already: its page waits for the answer. The client closes the socket.
func (s *session) handleLeave() {
	if s.participant != nil {
		s.participant.Leave()
	}
	s.send(&signalpb.SdkSignalFrame{
		Type:     signalpb.SdkSignalFrame_LEAVE_ACK.Enum(),
		LeaveAck: &signalpb.SdkLeaveAckFrame{},
	})
	s.end(ending{code: websocket.StatusNormalClosure, wait: leaveTimeout})
}

// handleVideoUpdate changes what is sent on sections that are negotiated already.
func (s *session) handleVideoUpdate(update *signalpb.SdkRemoteVideoUpdateFrame) {
	s.participant.UpdateVideo(wishes(update.GetAddedOrUpdatedVideoSubscriptions()), update.GetRemovedVideoSubscriptionMids())
}

func wishes(configurations []*signalpb.SdkVideoSubscriptionConfiguration) []rooms.Wish {
	var list []rooms.Wish
	for _, v := range configurations {
		list = append(list, rooms.Wish{
			MID: v.GetMid(), StreamID: v.GetStreamId(), GroupID: v.GetGroupId(),
			Priority: v.GetPriority(), TargetKbps: v.GetTargetBitrateKbps(), Preference: bwe.Preference(v.GetQualityAdaptationPreference()),
		})
	}
	return list
}

// handlePromotion refuses: conferences without a primary one have nothing to be promoted to.
func (s *session) handlePromotion() {
	s.send(&signalpb.SdkSignalFrame{
		Type:                  signalpb.SdkSignalFrame_PRIMARY_MEETING_JOIN_ACK.Enum(),
		Error:                 errorFrame(statusForbidden, "this is not a replica meeting"),
		PrimaryMeetingJoinAck: &signalpb.SdkPrimaryMeetingJoinAckFrame{},
	})
}
