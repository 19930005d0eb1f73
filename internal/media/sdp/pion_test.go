package sdp_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"carillon/internal/media/sdp"
)

// An independent implementation takes the answers, through a renegotiation.
func TestPionTakesTheAnswers(t *testing.T) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := pc.Close(); err != nil {
			t.Error(err)
		}
	}()
	microphone, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "audio", "me")
	if err != nil {
		t.Fatal(err)
	}
	camera, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "video", "me")
	if err != nil {
		t.Fatal(err)
	}
	for _, track := range []webrtc.TrackLocal{microphone, camera} {
		if _, err := pc.AddTrack(track); err != nil {
			t.Fatal(err)
		}
	}
	recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	for round := range 2 {
		if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, recvonly); err != nil {
			t.Fatal(err)
		}
		offer := negotiate(t, pc)
		if offer.Camera() == nil || offer.Camera().SSRC == 0 || len(offer.Videos()) != 2+round {
			t.Errorf("round %d: camera %+v", round, offer.Camera())
		}
	}
	var directions []string
	for _, transceiver := range pc.GetTransceivers() {
		directions = append(directions, transceiver.Direction().String())
	}
	if got := strings.Join(directions, " "); got != "sendrecv sendrecv recvonly recvonly" {
		t.Errorf("directions: %s", got)
	}
	for _, sender := range pc.GetSenders() {
		parameters := sender.GetParameters()
		if len(parameters.Codecs) == 0 || len(parameters.HeaderExtensions) == 0 {
			t.Errorf("%s: nothing was negotiated: %+v", sender.Track().Kind(), parameters)
		}
		for _, codec := range parameters.Codecs {
			if !slices.Contains([]string{"audio/opus", "video/vp8", "video/vp9", "video/h264", "video/av1", "video/rtx"}, strings.ToLower(codec.MimeType)) {
				t.Errorf("%s was negotiated", codec.MimeType)
			}
		}
	}
}

// negotiate makes one offer and sets the answer to it.
func negotiate(t *testing.T, pc *webrtc.PeerConnection) *sdp.Offer {
	t.Helper()
	description, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(description); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gathered:
	case <-time.After(10 * time.Second):
		t.Fatal("gathering of candidates does not end")
	}
	offer := parse(t, pc.LocalDescription().SDP)
	answer := answerTo(offer).String()
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	return offer
}
