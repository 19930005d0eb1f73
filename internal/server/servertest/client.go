package servertest

import (
	"testing"

	"github.com/pion/webrtc/v4"
	"google.golang.org/protobuf/proto"

	"carillon/internal/signaling/signalpb"
)

// Client is somebody in a meeting: a signaling connection and the media that belongs to it.
type Client struct {
	*Signal
	*Peer
	Ticket Ticket
	Muted  bool     // for the next Subscribe
	Relay  []string // addresses of the relay that the client was told to use

	Ack     *signalpb.SdkSignalFrame // JOIN_ACK
	AudioID uint32                   // the client's own audio stream id, from its first roster
	Roster  map[string]uint32        // audio stream ids of the first roster, by attendee
}

// Enter joins, negotiates audio and waits for the roster. session is the audio_session_id.
func Enter(t testing.TB, ticket Ticket, session uint64) *Client {
	t.Helper()
	c := Arrive(t, ticket, session)
	c.Negotiate()
	return c
}

// Options are what a client can beside the least.
type Options struct {
	Feedback   bool  // it asks for lost packets and reports the arrival of all, as browsers do
	ServerSide bool  // it lets the server adapt its videos
	Line       *Line // to the media port; nil = straight
}

// EnterWith is Enter for a client that can more.
func EnterWith(t testing.TB, ticket Ticket, session uint64, o Options) *Client {
	t.Helper()
	c := arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeUDP4, options: o})
	c.Negotiate()
	return c
}

// Arrive joins, but does not negotiate yet.
func Arrive(t testing.TB, ticket Ticket, session uint64) *Client {
	t.Helper()
	return arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeUDP4})
}

// ArriveWithRED is Arrive for a client that prefers redundant audio data and sends each packet twice, but of which
// every second packet gets lost.
func ArriveWithRED(t testing.TB, ticket Ticket, session uint64) *Client {
	t.Helper()
	return arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeUDP4, red: true})
}

// EnterInStereo is Enter for a client that sends and receives music in stereo.
func EnterInStereo(t testing.TB, ticket Ticket, session uint64) *Client {
	t.Helper()
	c := arrive(t, ticket, session, true, access{network: webrtc.NetworkTypeUDP4, stereo: true})
	c.Negotiate()
	return c
}

// ArriveWithoutAudio is Arrive for a session that has no audio section.
func ArriveWithoutAudio(t testing.TB, ticket Ticket, session uint64) *Client {
	t.Helper()
	return arrive(t, ticket, session, false, access{network: webrtc.NetworkTypeUDP4})
}

// Negotiate subscribes for the first time and reads the roster, which comes before the answer.
func (c *Client) Negotiate() {
	c.Signal.t.Helper()
	c.SendSubscribe()
	c.Roster = make(map[string]uint32)
	for _, s := range c.Expect(signalpb.SdkSignalFrame_AUDIO_STREAM_ID_INFO).GetAudioStreamIdInfo().GetStreams() {
		c.Roster[s.GetAttendeeId()] = s.GetAudioStreamId()
	}
	c.AudioID = c.Roster[c.Ticket.AttendeeID]
	c.TakeAnswer()
}

// Subscribe asks for the videos of these stream ids, and offers the camera if there is one.
func (c *Client) Subscribe(streamIDs ...uint32) *signalpb.SdkSignalFrame {
	c.Signal.t.Helper()
	c.SendSubscribe(streamIDs...)
	return c.TakeAnswer()
}

// SendSubscribe sends SUBSCRIBE.
func (c *Client) SendSubscribe(streamIDs ...uint32) {
	c.Signal.t.Helper()
	c.want(streamIDs)
	text, receive := c.offer()
	sub := &signalpb.SdkSubscribeFrame{
		Duplex:           signalpb.SdkStreamServiceType_RX.Enum(),
		SdpOffer:         proto.String(text),
		ReceiveStreamIds: receive,
		AudioMuted:       proto.Bool(c.Muted),
	}
	if c.microphone != nil {
		sub.SendStreams = append(sub.SendStreams, &signalpb.SdkStreamDescriptor{
			MediaType: signalpb.SdkStreamMediaType_AUDIO.Enum(), StreamId: proto.Uint32(1), GroupId: proto.Uint32(1),
		})
	}
	if c.camera != nil {
		sub.Duplex = signalpb.SdkStreamServiceType_DUPLEX.Enum()
		sub.SendStreams = append(sub.SendStreams, &signalpb.SdkStreamDescriptor{
			MediaType: signalpb.SdkStreamMediaType_VIDEO.Enum(), StreamId: proto.Uint32(2), GroupId: proto.Uint32(2), MaxBitrateKbps: proto.Uint32(1200),
		})
	}
	if c.simulcast != nil {
		sub.Duplex = signalpb.SdkStreamServiceType_DUPLEX.Enum()
		for i, e := range c.simulcast.Encodings {
			sub.SendStreams = append(sub.SendStreams, &signalpb.SdkStreamDescriptor{
				MediaType: signalpb.SdkStreamMediaType_VIDEO.Enum(), StreamId: proto.Uint32(uint32(2 + i)), GroupId: proto.Uint32(2),
				MaxBitrateKbps: proto.Uint32(uint32(e.Kbps)),
			})
		}
	}
	c.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_SUBSCRIBE.Enum(), Sub: sub})
}

// SubscribeWith sends SUBSCRIBE with an offer that is not the client's own, and returns the answer as it is.
func (c *Client) SubscribeWith(sub *signalpb.SdkSubscribeFrame) *signalpb.SdkSignalFrame {
	c.Signal.t.Helper()
	c.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_SUBSCRIBE.Enum(), Sub: sub})
	return c.Expect(signalpb.SdkSignalFrame_SUBSCRIBE_ACK)
}

// TakeAnswer reads SUBSCRIBE_ACK and applies its answer.
func (c *Client) TakeAnswer() *signalpb.SdkSignalFrame {
	c.Signal.t.Helper()
	ack := c.Expect(signalpb.SdkSignalFrame_SUBSCRIBE_ACK)
	if ack.GetError().GetStatus() >= 300 {
		c.Signal.t.Fatalf("SUBSCRIBE was refused: %v", ack.GetError())
	}
	c.take(ack.GetSuback().GetSdpAnswer())
	return ack
}

// Mute switches the microphone off for the others; it goes on sending.
func (c *Client) Mute(muted bool) {
	c.Signal.t.Helper()
	c.Send(&signalpb.SdkSignalFrame{
		Type:         signalpb.SdkSignalFrame_AUDIO_CONTROL.Enum(),
		AudioControl: &signalpb.SdkAudioControlFrame{Muted: proto.Bool(muted)},
	})
}

// Close leaves as a page that is closed does.
func (c *Client) Close() {
	c.Signal.Close()
	c.Peer.Close()
}

// Content is the ticket of the connection that shares this attendee's screen.
func (t Ticket) Content() Ticket {
	t.AttendeeID += "#content"
	t.Token += "#content"
	return t
}

// At is the ticket for the same conference on another address, such as that of a server started again.
func (t Ticket) At(s *Server) Ticket {
	t.SignalingURL = "ws://" + s.Addr().String() + "/signal/" + t.ConferenceID
	return t
}
