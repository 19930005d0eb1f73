package signaling

import (
	"slices"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/protobuf/proto"

	"carillon/internal/errs"
	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

// messagesPerFrame keeps the frames of a replay small.
const messagesPerFrame = 64

// handleMessage hands data messages to the room. Clients check what they send; one that does not gets no answer, and
// one that floods the conference is hung up on.
func (s *session) handleMessage(f *signalpb.SdkDataMessageFrame) {
	var returned []rooms.Message // gathered, so that a client that sends many at once is not drowned in answers
	for _, m := range f.GetMessages() {
		lifetime := time.Duration(min(m.GetLifetimeMs(), uint32(rooms.MaxMessageLifetime/time.Millisecond))) * time.Millisecond
		back, err := s.participant.SendMessage(m.GetTopic(), m.GetData(), lifetime)
		if back != nil {
			returned = append(returned, *back)
		}
		if err == nil {
			continue
		}
		s.server.complain("data message refused", "conference", s.conferenceID, "bytes", len(m.GetData()), "reason", err)
		if errs.CodeOf(err) == errs.Throttled {
			s.end(ending{code: websocket.StatusPolicyViolation, reason: "too many data messages"})
			break
		}
	}
	s.put(s.messages(returned))
}

// Messages implements rooms.Observer.
func (o observer) Messages(messages *rooms.Shared[[]rooms.Message]) {
	o.s.put(messages.Words(o.s.messages))
}

// messages packs data messages, into several packets if they are many.
func (s *session) messages(messages []rooms.Message) (packets []byte) {
	for part := range slices.Chunk(messages, messagesPerFrame) {
		packets = append(packets, s.pack(messagesFrame(part))...)
	}
	return packets
}

// messagesFrame carries a throttled message with an ingest time of 0, which must be there.
func messagesFrame(messages []rooms.Message) *signalpb.SdkSignalFrame {
	body := &signalpb.SdkDataMessageFrame{}
	for _, m := range messages {
		var ingest int64
		if !m.IngestTime.IsZero() {
			ingest = m.IngestTime.UnixNano()
		}
		body.Messages = append(body.Messages, &signalpb.SdkDataMessagePayload{
			Topic:                proto.String(m.Topic),
			Data:                 m.Data,
			SenderAttendeeId:     proto.String(m.SenderID),
			SenderExternalUserId: proto.String(m.SenderExternalUserID),
			IngestTimeNs:         proto.Int64(ingest),
		})
	}
	return &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_DATA_MESSAGE.Enum(), DataMessage: body}
}
