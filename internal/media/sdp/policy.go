package sdp

import (
	"slices"
	"strings"

	"carillon/internal/errs"
)

// URIs of the RTP header extensions that the server uses.
const (
	ExtensionAudioLevel  = "urn:ietf:params:rtp-hdrext:ssrc-audio-level" // RFC 6464
	ExtensionMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"         // RFC 8843
	ExtensionTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	ExtensionAbsSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
)

const (
	opusFmtp              = "minptime=10;useinbandfec=1"
	h264Fmtp              = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	h264ConstrainedPrefix = "42e0"
)

// Names of the codecs as answers and the media plane write them.
const (
	Opus = "opus"
	VP8  = "VP8"
	H264 = "H264"
)

// Negotiated is what both sides of a section have in common, with the payload types and extension ids
// of the client.
type Negotiated struct {
	Codecs     []Codec // most wanted first
	Extensions map[string]uint8
}

// NegotiateAudio accepts Opus and nothing else; in particular no RED, so that what arrives can be
// mixed without unpacking. The fmtp line is always there, because clients add the settings of their
// audio profile to the line of the answer.
func NegotiateAudio(s *Section) (Negotiated, error) {
	opus, found := s.find(isOpus)
	if !found {
		return Negotiated{}, errs.New(errs.Invalid, "The audio section does not offer Opus.")
	}
	opus.Name, opus.Fmtp = Opus, opusFmtp
	opus.RTXPayloadType = 0
	opus.Feedback = common(opus.Feedback, "transport-cc")
	return Negotiated{
		Codecs:     []Codec{opus},
		Extensions: s.common(ExtensionAudioLevel, ExtensionTransportCC, ExtensionMID),
	}, nil
}

// NegotiateVideoReceive is the policy for the section on which the client sends its camera or content,
// also while that is inactive: the sender is told about congestion by transport-wide feedback.
//
// Chromium never again offers an extension that an answer has refused on the same section, nor, on new
// video sections, one that no section uses. So the camera's section, which is there from the first
// offer, accepts all extensions of NegotiateVideoSend too; the sender leaves out the redundant ones.
func NegotiateVideoReceive(s *Section) (Negotiated, error) {
	return negotiateVideo(s, []string{"nack", "nack pli", "ccm fir", "transport-cc"},
		[]string{ExtensionMID, ExtensionTransportCC, ExtensionAbsSendTime})
}

// NegotiateVideoSend is the policy for a section on which the server sends. Without transport-wide
// feedback but with abs-send-time and REMB the browser estimates the bandwidth itself, and so knows
// the estimate that clients choose their videos by. All codecs are listed, not only that of the
// present sender, because senders change codec while receivers do not negotiate again.
func NegotiateVideoSend(s *Section) (Negotiated, error) {
	return negotiateVideo(s, []string{"nack", "nack pli", "ccm fir", "goog-remb"},
		[]string{ExtensionMID, ExtensionAbsSendTime})
}

// negotiateVideo accepts VP8 and H.264 constrained baseline, in this order, which is the server's
// choice for clients that state no preference. Clients compare the fmtp of H.264 as text, order of
// parameters included, and expect VP8 to have none.
func negotiateVideo(s *Section, feedback, extensions []string) (Negotiated, error) {
	n := Negotiated{Extensions: s.common(extensions...)}
	if vp8, found := s.find(isVP8); found {
		vp8.Name, vp8.Fmtp = VP8, ""
		n.Codecs = append(n.Codecs, vp8)
	}
	if h264, found := s.find(isConstrainedBaseline); found {
		h264.Name, h264.Fmtp = H264, h264Fmtp
		n.Codecs = append(n.Codecs, h264)
	}
	if len(n.Codecs) == 0 {
		return Negotiated{}, errs.New(errs.Invalid, "The video section offers neither VP8 nor H.264 constrained baseline.")
	}
	for i := range n.Codecs {
		n.Codecs[i].Channels = 1
		n.Codecs[i].Feedback = common(n.Codecs[i].Feedback, feedback...)
	}
	return n, nil
}

// find returns the first codec that the predicate accepts; none for a section that is nil or rejected.
func (s *Section) find(accept func(Codec) bool) (Codec, bool) {
	if s == nil || s.Rejected {
		return Codec{}, false
	}
	if i := slices.IndexFunc(s.Codecs, accept); i >= 0 {
		return s.Codecs[i], true
	}
	return Codec{}, false
}

// common returns those of the wanted extensions that the section offers.
func (s *Section) common(wanted ...string) map[string]uint8 {
	accepted := map[string]uint8{}
	if s == nil {
		return accepted
	}
	for _, uri := range wanted {
		if id, offered := s.Extensions[uri]; offered {
			accepted[uri] = id
		}
	}
	return accepted
}

// common returns those of the wanted values that are offered, in the order in which they are wanted.
func common(offered []string, wanted ...string) []string {
	var accepted []string
	for _, w := range wanted {
		if slices.Contains(offered, w) {
			accepted = append(accepted, w)
		}
	}
	return accepted
}

func isOpus(c Codec) bool {
	return strings.EqualFold(c.Name, Opus) && c.ClockRate == 48000 && c.Channels == 2
}

func isVP8(c Codec) bool { return strings.EqualFold(c.Name, VP8) && c.ClockRate == 90000 }

// isConstrainedBaseline ignores the level and parameters that it does not know, such as the start
// bitrate that clients add.
func isConstrainedBaseline(c Codec) bool {
	profile := strings.ToLower(parameter(c.Fmtp, "profile-level-id"))
	return strings.EqualFold(c.Name, H264) && c.ClockRate == 90000 &&
		len(profile) == 6 && strings.HasPrefix(profile, h264ConstrainedPrefix) &&
		parameter(c.Fmtp, "packetization-mode") == "1"
}
