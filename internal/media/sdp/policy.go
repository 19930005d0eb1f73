package sdp

import (
	"slices"
)

// URIs of the RTP header extensions that the server uses.
const (
	ExtensionAudioLevel  = "urn:ietf:params:rtp-hdrext:ssrc-audio-level" // RFC 6464
	ExtensionMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"         // RFC 8843
	ExtensionTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	ExtensionAbsSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	ExtensionRID         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"          // RFC 8852
	ExtensionRepairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id" // RFC 8852
	ExtensionDependency  = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

// Negotiated is what both sides of a section have in common, with the payload types and extension ids
// of the client.
type Negotiated struct {
	Codecs     []Codec // most wanted first
	Protection []Codec // RED and ULPFEC, if a sender of video may protect its packets with them
	Extensions map[string]uint8
	Audio      AudioWish // of an audio section
}

// Formats is all that may be in a packet: codecs and protection.
func (n Negotiated) Formats() []Codec { return slices.Concat(n.Codecs, n.Protection) }

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
