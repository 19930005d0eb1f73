package signaling

import (
	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

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

// handleVideoUpdate switches what is sent on sections that are negotiated already.
func (s *session) handleVideoUpdate(update *signalpb.SdkRemoteVideoUpdateFrame) {
	for _, v := range update.GetAddedOrUpdatedVideoSubscriptions() {
		if v.GetStreamId() != 0 {
			s.participant.SwitchStream(v.GetMid(), v.GetStreamId())
		}
	}
}

// handlePromotion refuses: conferences without a primary one have nothing to be promoted to.
func (s *session) handlePromotion() {
	s.send(&signalpb.SdkSignalFrame{
		Type:                  signalpb.SdkSignalFrame_PRIMARY_MEETING_JOIN_ACK.Enum(),
		Error:                 errorFrame(statusForbidden, "this is not a replica meeting"),
		PrimaryMeetingJoinAck: &signalpb.SdkPrimaryMeetingJoinAckFrame{},
	})
}
