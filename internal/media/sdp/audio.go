package sdp

import (
	"fmt"
	"slices"
	"strings"

	"carillon/internal/errs"
)

// Names of the audio formats as answers and the media plane write them.
const (
	Opus = "opus"
	RED  = "red" // redundant audio data (RFC 2198) around Opus
)

const opusFmtp = "minptime=10;useinbandfec=1"

// NegotiateAudio accepts Opus and, around it, RED. RED comes first in the answer if the client puts it first, which
// is how browsers are told to send it; otherwise it stands behind and the server may use it. The fmtp line of Opus is
// always there, because clients add the settings of their audio profile to the line of the answer.
func NegotiateAudio(s *Section) (Negotiated, error) {
	opus, found := s.find(isOpus)
	if !found {
		return Negotiated{}, errs.New(errs.Invalid, "The audio section does not offer Opus.")
	}
	codecs := []Codec{opus}
	if red, found := s.find(func(c Codec) bool { return isREDOf(c, opus.PayloadType) }); found {
		codecs = append(codecs, red)
		if s.before(red, opus) {
			slices.Reverse(codecs)
		}
	}
	for i := range codecs {
		c := &codecs[i]
		c.RTXPayloadType = 0
		c.Feedback = common(c.Feedback, "transport-cc")
		if isOpus(*c) {
			c.Name, c.Fmtp = Opus, opusFmtp
		} else {
			c.Name, c.Fmtp = RED, fmt.Sprintf("%d/%d", opus.PayloadType, opus.PayloadType)
		}
	}
	return Negotiated{
		Codecs:     codecs,
		Extensions: s.common(ExtensionAudioLevel, ExtensionTransportCC, ExtensionMID),
	}, nil
}

// PayloadType returns the payload type of the codec with that name, 0 if it was not negotiated.
func (n Negotiated) PayloadType(name string) uint8 {
	for _, c := range n.Codecs {
		if c.Name == name {
			return c.PayloadType
		}
	}
	return 0
}

func isOpus(c Codec) bool {
	return strings.EqualFold(c.Name, Opus) && c.ClockRate == 48000 && c.Channels == 2
}

// isREDOf reports whether the codec is RED whose blocks all have the payload type.
func isREDOf(c Codec, payloadType uint8) bool {
	if !strings.EqualFold(c.Name, RED) || c.ClockRate != 48000 || c.Channels != 2 || c.Fmtp == "" {
		return false
	}
	for pt := range strings.SplitSeq(c.Fmtp, "/") {
		if strings.TrimSpace(pt) != fmt.Sprint(payloadType) {
			return false
		}
	}
	return true
}

// before reports whether the section prefers codec a to codec b.
func (s *Section) before(a, b Codec) bool {
	at := func(c Codec) int {
		return slices.IndexFunc(s.Codecs, func(o Codec) bool { return o.PayloadType == c.PayloadType })
	}
	return at(a) < at(b)
}
