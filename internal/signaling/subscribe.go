package signaling

import (
	"time"

	"google.golang.org/protobuf/proto"

	"carillon/internal/errs"
	"carillon/internal/media/sdp"
	"carillon/internal/rooms"
	"carillon/internal/signaling/signalpb"
)

// handleSubscribe answers the client's offer. An offer that cannot be served is answered with an
// error that ends only this client's attempt.
func (s *session) handleSubscribe(sub *signalpb.SdkSubscribeFrame) {
	s.relay.tried(time.Now())
	subscribed, err := s.subscribe(sub)
	if err != nil {
		status := uint32(statusBadRequest)
		if code := errs.CodeOf(err); code != errs.Invalid {
			status = statusUnavailable
		}
		s.server.complain("subscribe refused", "conference", s.conferenceID, "reason", err)
		message, _ := errs.Public(err)
		s.refuse(signalpb.SdkSignalFrame_SUBSCRIBE, status, message)
		return
	}
	body := &signalpb.SdkSubscribeAckFrame{Duplex: sub.Duplex}
	if s.compress {
		body.CompressedSdpAnswer = s.sdp.DeflateAnswer(subscribed.Answer)
	} else {
		body.SdpAnswer = proto.String(subscribed.Answer)
	}
	for _, a := range subscribed.Allocations {
		body.Allocations = append(body.Allocations, &signalpb.SdkStreamAllocation{StreamId: proto.Uint32(a.StreamID), GroupId: proto.Uint32(a.GroupID)})
	}
	for _, t := range subscribed.Tracks {
		body.Tracks = append(body.Tracks, &signalpb.SdkTrackMapping{StreamId: proto.Uint32(t.StreamID), Ssrc: proto.Uint32(t.SSRC), TrackLabel: proto.String(t.Label)})
	}
	f := &signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_SUBSCRIBE_ACK.Enum(), Suback: body}
	if subscribed.CameraRefused {
		f.Error = errorFrame(statusViewOnly, "no further camera is accepted")
	}
	s.send(f)
}

func (s *session) subscribe(sub *signalpb.SdkSubscribeFrame) (*rooms.Subscribed, error) {
	text := sub.GetSdpOffer()
	if compressed := sub.GetCompressedSdpOffer(); len(compressed) > 0 {
		var err error
		if text, err = s.sdp.InflateOffer(compressed); err != nil {
			return nil, err
		}
	} else if s.compress { // others will not refer to it
		s.sdp.Remember(text)
	}
	offer, err := sdp.ParseOffer(text)
	if err != nil {
		return nil, err
	}
	request := rooms.Subscription{Offer: offer, Muted: sub.GetAudioMuted(), Receive: sub.GetReceiveStreamIds(), Wishes: wishes(sub.GetVideoSubscriptionConfiguration())}
	if sub.GetDuplex() == signalpb.SdkStreamServiceType_DUPLEX {
		for _, stream := range sub.GetSendStreams() {
			if stream.GetMediaType() == signalpb.SdkStreamMediaType_VIDEO {
				request.Send = append(request.Send, rooms.SendStream{MaxBitrateKbps: stream.GetMaxBitrateKbps()})
			}
		}
	}
	return s.participant.Subscribe(request)
}
