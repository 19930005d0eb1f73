package sdp

import (
	"slices"
	"strings"

	"carillon/internal/errs"
)

// Format is a video codec together with its profile: what a receiver must have in common with a sender.
type Format string

// The formats that the server negotiates.
const (
	VP8                 Format = "VP8"
	VP9Profile0         Format = "VP9"
	H264Baseline        Format = "H264-constrained-baseline"
	H264High            Format = "H264-high"
	H264ConstrainedHigh Format = "H264-constrained-high"
	AV1Main             Format = "AV1"
)

// videoFormat is how a format is recognised in offers and written in answers.
type videoFormat struct {
	format  Format
	name    string // of the codec
	fmtp    string // of the answer
	profile string // of H.264: the first two bytes of profile-level-id
}

const h264Fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="

// videoFormats returns what the server accepts, in the order of the answer. A client without a preference sends the first
// that it can: VP8, which every client decodes and which costs the least to encode in software. Clients
// compare the fmtp of H.264 as text, order of parameters included, and expect VP8 and AV1 to have none.
func videoFormats() []videoFormat {
	return []videoFormat{
		{format: VP8, name: "VP8"},
		{format: VP9Profile0, name: "VP9", fmtp: "profile-id=0"},
		{format: H264Baseline, name: "H264", fmtp: h264Fmtp + "42e01f", profile: "42e0"},
		{format: AV1Main, name: "AV1"},
		{format: H264High, name: "H264", fmtp: h264Fmtp + "64001f", profile: "6400"},
		{format: H264ConstrainedHigh, name: "H264", fmtp: h264Fmtp + "640c1f", profile: "640c"},
	}
}

// matches ignores the level and parameters that it does not know, such as the start bitrate that clients
// add.
func (f *videoFormat) matches(c Codec) bool {
	if !strings.EqualFold(c.Name, f.name) || c.ClockRate != 90000 {
		return false
	}
	switch f.format {
	case VP8:
		return true
	case VP9Profile0:
		return isDefault(parameter(c.Fmtp, "profile-id"))
	case AV1Main:
		return isDefault(parameter(c.Fmtp, "profile"))
	}
	profile := strings.ToLower(parameter(c.Fmtp, "profile-level-id"))
	return len(profile) == 6 && strings.HasPrefix(profile, f.profile) && parameter(c.Fmtp, "packetization-mode") == "1"
}

// isDefault tells whether a profile is 0, which is what its absence means.
func isDefault(profile string) bool { return profile == "" || profile == "0" }

// NegotiateVideoReceive is the policy for the section on which the client sends its camera or content,
// also while that is inactive: the sender is told about congestion by transport-wide feedback. The
// extension that announces changes of simulcast layers is not accepted: then clients tell them by
// signaling.
//
// Chromium never again offers an extension that an answer has refused on the same section, nor, on new
// video sections, one that no section uses. So the camera's section, which is there from the first
// offer, accepts all extensions of NegotiateVideoSend too; the sender leaves out the redundant ones.
//
// REMB is accepted beside it: the sender keeps to the lower of what both allow, so that it can be told how much
// its one receiver takes.
//
// Forward error correction is accepted as browsers offer it: RED around all packets, and ULPFEC in it. They protect
// packets while they are told of losses, and only what a receiver can do without knowing which packets were for
// protection: VP8 and VP9.
func NegotiateVideoReceive(s *Section) (Negotiated, error) {
	n, err := negotiateVideo(s, []string{"nack", "nack pli", "ccm fir", feedbackTransportCC, FeedbackREMB},
		[]string{ExtensionMID, ExtensionTransportCC, ExtensionAbsSendTime, ExtensionRID, ExtensionRepairedRID, ExtensionDependency})
	if err != nil {
		return n, err
	}
	red, hasRED := s.find(func(c Codec) bool { return isProtection(c, RED) })
	parity, hasParity := s.find(func(c Codec) bool { return isProtection(c, ULPFEC) })
	if hasRED && hasParity && red.RTXPayloadType != 0 {
		n.Protection = []Codec{
			{PayloadType: red.PayloadType, Name: RED, ClockRate: red.ClockRate, RTXPayloadType: red.RTXPayloadType},
			{PayloadType: parity.PayloadType, Name: ULPFEC, ClockRate: parity.ClockRate},
		}
	}
	return n, nil
}

// ULPFEC is the name of packets of forward error correction in session descriptions (RFC 5109).
const ULPFEC = "ulpfec"

func isProtection(c Codec, name string) bool {
	return strings.EqualFold(c.Name, name) && c.ClockRate == 90000
}

// NegotiateVideoSend is the policy for a section on which the server sends. With transportCC the receiver
// reports the arrival of every packet, which the server estimates the bandwidth by. Without it, but with
// abs-send-time and REMB, the browser estimates the bandwidth itself, and so knows the estimate that old
// clients choose their videos by. Transport-wide feedback is left out where packets are not retransmitted on a
// stream of their own: such a packet must not change, and a number of its own would change it. All codecs
// are listed, not only that of the present sender, because senders change codec while receivers do not
// negotiate again.
func NegotiateVideoSend(s *Section, transportCC bool) (Negotiated, error) {
	n, err := negotiateVideo(s, []string{"nack", "nack pli", "ccm fir", FeedbackREMB, feedbackTransportCC},
		[]string{ExtensionMID, ExtensionAbsSendTime, ExtensionTransportCC, ExtensionDependency})
	repairs := !slices.ContainsFunc(n.Codecs, func(c Codec) bool { return c.RTXPayloadType == 0 })
	if transportCC && repairs {
		return n, err
	}
	delete(n.Extensions, ExtensionTransportCC)
	for i := range n.Codecs {
		c := &n.Codecs[i]
		c.Feedback = slices.DeleteFunc(c.Feedback, func(f string) bool { return f == feedbackTransportCC })
	}
	return n, err
}

// Kinds of feedback by which bandwidth is estimated.
const (
	FeedbackREMB        = "goog-remb"
	feedbackTransportCC = "transport-cc"
)

func negotiateVideo(s *Section, feedback, extensions []string) (Negotiated, error) {
	n := Negotiated{Extensions: s.common(extensions...)}
	for _, f := range videoFormats() {
		c, found := s.find(f.matches)
		if !found {
			continue
		}
		c.Name, c.Fmtp, c.Format, c.Channels = f.name, f.fmtp, f.format, 1
		c.Feedback = common(c.Feedback, feedback...)
		n.Codecs = append(n.Codecs, c)
	}
	if len(n.Codecs) == 0 {
		return Negotiated{}, errs.New(errs.Invalid, "The video section offers none of VP8, VP9, H.264 and AV1 in a profile that the server knows.")
	}
	return n, nil
}
