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
	RED  = "red" // redundant data (RFC 2198), around Opus or video
)

// maxSentBitrate is what clients that send stereo may use for it, in bit/s: what good music needs. Browsers would use
// half of it by themselves.
const maxSentBitrate = 128_000

// wishedStereoBitrate is what nobody asks for who does not want stereo, in bit/s.
const wishedStereoBitrate = 96_000

// AudioWish is what a client says about the Opus that it wants to receive (RFC 7587 section 6.1).
type AudioWish struct {
	Stereo     bool // it can play stereo and wants it
	MaxBitrate int  // bit/s on average; 0 = it does not say
}

// readAudioWish reads the fmtp line of an offer; what is broken is as good as absent.
//
// Firefox writes stereo=1 into every offer: it can play stereo. That somebody wants it shows in what no browser
// writes by itself: that stereo is going to be sent, too, or a bitrate for music in stereo.
func readAudioWish(fmtp string) AudioWish {
	var w AudioWish
	if rate, ok := number(parameter(fmtp, "maxaveragebitrate"), 31); ok {
		w.MaxBitrate = int(rate)
	}
	w.Stereo = isOne(fmtp, "stereo") && (isOne(fmtp, "sprop-stereo") || w.MaxBitrate >= wishedStereoBitrate)
	return w
}

func isOne(fmtp, name string) bool { return parameter(fmtp, name) == "1" }

// opusFmtp answers the fmtp line of an offer. In each description "stereo" is about what its author receives and
// "sprop-stereo" about what it sends (RFC 7587 section 7.1), so one answers the other. Who sends speech is asked to leave
// out silence (usedtx): each packet costs the server as much to receive as one of speech, and most people are silent most
// of the time. Quiet passages of music must not be taken for it.
func opusFmtp(offered string) string {
	answer := "minptime=10;useinbandfec=1"
	if isOne(offered, "sprop-stereo") {
		answer += fmt.Sprintf(";stereo=1;maxaveragebitrate=%d", maxSentBitrate)
	} else {
		answer += ";usedtx=1"
	}
	if readAudioWish(offered).Stereo {
		answer += ";sprop-stereo=1"
	}
	return answer
}

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
			c.Name, c.Fmtp = Opus, opusFmtp(opus.Fmtp)
		} else {
			c.Name, c.Fmtp = RED, fmt.Sprintf("%d/%d", opus.PayloadType, opus.PayloadType)
		}
	}
	return Negotiated{
		Codecs:     codecs,
		Extensions: s.common(ExtensionAudioLevel, ExtensionTransportCC, ExtensionMID),
		Audio:      readAudioWish(opus.Fmtp),
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
