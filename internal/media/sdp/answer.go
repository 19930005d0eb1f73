package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Answer is the server's session description. For the life of a connection SessionID, credentials,
// fingerprint and candidates stay the same and Version increases.
type Answer struct {
	SessionID   uint64 // the highest bit is not used (RFC 8829 section 5.2.1)
	Version     uint64
	Ufrag, Pwd  string
	Fingerprint Fingerprint
	AllowMixed  bool // as offered: without it, a sender leaves out what needs a two-byte header extension
	Candidates  []Candidate
	Sections    []AnswerSection // one for each section of the offer, in its order
}

// Candidate is a transport address of the server (RFC 8839 section 5.1). Public addresses are to be
// announced as "host", because clients remove server-reflexive ones.
type Candidate struct {
	Foundation string
	Component  int
	Protocol   string // "udp", or "tcp" for a passive TCP candidate (RFC 6544)
	Priority   uint32
	Addr       netip.AddrPort
	Type       string // "host"
}

// Role says what a section of the answer is for. The direction that is written follows from it, and
// from what the client offered: an answer can only narrow that.
type Role int

const (
	// RoleRejected refuses the section with port 0, for good.
	RoleRejected Role = iota
	// RoleInactive keeps the section negotiated with nothing flowing. What it negotiates still binds
	// later offers: a camera that is off uses NegotiateVideoReceive.
	RoleInactive
	// RoleAudio receives the client's audio and sends it the mix.
	RoleAudio
	// RoleCamera receives the client's video. It is written as sendrecv although nothing is sent,
	// because clients find their sending section by that word.
	RoleCamera
	// RoleVideo sends the video of another.
	RoleVideo
)

// AnswerSection answers one section of the offer. A section that has nothing in common with the offer
// (no codecs in Negotiated) is written as rejected, whatever its role, as is one that the client
// rejected itself.
type AnswerSection struct {
	Offer *Section
	Role  Role

	Negotiated Negotiated // unused when rejected

	// What the server sends: RoleAudio and RoleVideo. SSRC 0 leaves out the announcement.
	SSRC    uint32
	RTXSSRC uint32 // RoleVideo; 0 = none
	CNAME   string
	Stream  string // RoleAudio; RoleVideo is always in VideoStream(mid)
	Track   string // "" = a name made from the mid
}

// VideoStream returns the name of the media stream on which the server sends video in the section with
// this mid. Clients rely on the form.
func VideoStream(mid string) string { return "v_" + mid }

// String returns the text of the answer, with CRLF line ends.
func (a Answer) String() string {
	var w writer
	w.line("v=0")
	w.line("o=- %d %d IN IP4 127.0.0.1", a.SessionID&^(1<<63), a.Version)
	w.line("s=-")
	w.line("t=0 0")
	var bundle strings.Builder
	for _, s := range a.Sections {
		if !s.rejected() {
			bundle.WriteString(" " + s.Offer.MID)
		}
	}
	if bundle.Len() > 0 {
		w.line("a=group:BUNDLE%s", bundle.String())
	}
	if a.AllowMixed {
		w.line("a=extmap-allow-mixed")
	}
	w.line("a=ice-lite")
	candidates := a.Candidates
	for _, s := range a.Sections {
		if s.rejected() {
			s.writeRejected(&w)
			continue
		}
		s.writeHead(&w)
		if candidates != nil { // the first section speaks for the whole BUNDLE group
			for _, c := range candidates {
				w.line("a=%s", c)
			}
			w.line("a=end-of-candidates")
			candidates = nil
		}
		w.line("a=ice-ufrag:%s", a.Ufrag)
		w.line("a=ice-pwd:%s", a.Pwd)
		w.line("a=fingerprint:%s %s", a.Fingerprint.Algorithm, a.Fingerprint.Value)
		w.line("a=setup:passive")
		s.writeBody(&w)
	}
	return w.String()
}

// String returns the candidate as the value of an attribute, beginning with "candidate:".
func (c Candidate) String() string {
	text := fmt.Sprintf("candidate:%s %d %s %d %s %d typ %s", c.Foundation, c.Component, c.Protocol,
		c.Priority, c.Addr.Addr().Unmap().WithZone(""), c.Addr.Port(), c.Type)
	if c.Protocol == "tcp" {
		text += " tcptype passive"
	}
	return text
}

func (s AnswerSection) rejected() bool {
	return s.Role == RoleRejected || s.Offer.Rejected || len(s.Negotiated.Codecs) == 0
}

// direction narrows what the role wants to what the client offered (RFC 3264 section 6.1).
func (s AnswerSection) direction() Direction {
	send := s.Offer.Receives() && (s.Role == RoleAudio || s.Role == RoleCamera || s.Role == RoleVideo)
	receive := s.Offer.Sends() && (s.Role == RoleAudio || s.Role == RoleCamera)
	switch {
	case send && receive:
		return SendRecv
	case send && s.Role != RoleCamera:
		return SendOnly
	case receive:
		return RecvOnly
	}
	return Inactive
}

func (s AnswerSection) writeRejected(w *writer) {
	w.line("m=%s 0 %s %s", s.Offer.Kind, s.Offer.protocol, s.Offer.format)
	w.line("c=IN IP4 0.0.0.0")
	if s.Offer.MID != "" {
		w.line("a=mid:%s", s.Offer.MID)
	}
	w.line("a=inactive")
}

func (s AnswerSection) writeHead(w *writer) {
	var formats strings.Builder
	for _, c := range s.Negotiated.Formats() {
		fmt.Fprintf(&formats, " %d", c.PayloadType)
		if c.RTXPayloadType != 0 {
			fmt.Fprintf(&formats, " %d", c.RTXPayloadType)
		}
	}
	w.line("m=%s 9 %s%s", s.Offer.Kind, s.Offer.protocol, formats.String())
	w.line("c=IN IP4 0.0.0.0")
}

func (s AnswerSection) writeBody(w *writer) {
	w.line("a=mid:%s", s.Offer.MID)
	s.writeExtensions(w)
	direction := s.direction()
	w.line("a=%s", direction)
	sending := direction == SendRecv || direction == SendOnly
	if sending && s.Role != RoleCamera {
		w.line("a=msid:%s %s", s.stream(), s.track())
	}
	w.line("a=rtcp-mux")
	w.line("a=rtcp-rsize")
	for _, c := range s.Negotiated.Formats() {
		c.write(w)
	}
	if sending && s.Role != RoleCamera {
		s.writeSource(w)
	}
	if len(s.Offer.RIDs) > 0 {
		s.writeEncodings(w)
	}
}

// writeEncodings accepts all encodings of simulcast as they are offered (RFC 8853 section 5.3), and does so while the camera
// is off, too: Chromium gives up for good what is not accepted once, and makes active what it had paused if that is not
// answered as paused. It would then share its bandwidth among encodings that send nothing.
func (s AnswerSection) writeEncodings(w *writer) {
	streams := slices.Clone(s.Offer.RIDs)
	for i, rid := range s.Offer.RIDs {
		w.line("a=rid:%s recv", rid)
		if slices.Contains(s.Offer.Paused, rid) {
			streams[i] = "~" + rid
		}
	}
	w.line("a=simulcast:recv %s", strings.Join(streams, ";"))
}

// writeExtensions writes no directions, because clients search the section for direction words.
func (s AnswerSection) writeExtensions(w *writer) {
	byID := map[uint8]string{}
	var ids []uint8
	for uri, id := range s.Negotiated.Extensions {
		byID[id] = uri
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		w.line("a=extmap:%d %s", id, byID[id])
	}
}

func (s AnswerSection) stream() string {
	if s.Role == RoleVideo {
		return VideoStream(s.Offer.MID)
	}
	// Clients find the audio by its stream, so that there must be one ("-" would be none).
	return either(s.Stream, "a_"+s.Offer.MID)
}

func (s AnswerSection) track() string { return either(s.Track, "t_"+s.Offer.MID) }

func (s AnswerSection) writeSource(w *writer) {
	if s.SSRC == 0 {
		return
	}
	cname := either(s.CNAME, "carillon")
	if s.RTXSSRC != 0 {
		w.line("a=ssrc-group:FID %d %d", s.SSRC, s.RTXSSRC)
	}
	w.line("a=ssrc:%d cname:%s", s.SSRC, cname)
	if s.RTXSSRC != 0 {
		w.line("a=ssrc:%d cname:%s", s.RTXSSRC, cname)
	}
}

func (c Codec) write(w *writer) {
	rate := fmt.Sprint(c.ClockRate)
	if c.Channels > 1 {
		rate += fmt.Sprintf("/%d", c.Channels)
	}
	w.line("a=rtpmap:%d %s/%s", c.PayloadType, c.Name, rate)
	for _, f := range c.Feedback {
		w.line("a=rtcp-fb:%d %s", c.PayloadType, f)
	}
	if c.Fmtp != "" {
		w.line("a=fmtp:%d %s", c.PayloadType, c.Fmtp)
	}
	if c.RTXPayloadType != 0 {
		w.line("a=rtpmap:%d rtx/%d", c.RTXPayloadType, c.ClockRate)
		w.line("a=fmtp:%d apt=%d", c.RTXPayloadType, c.PayloadType)
	}
}

// writer collects lines with the line ends that RFC 8866 demands and that clients split on.
type writer struct{ strings.Builder }

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(w, format, args...)
	w.WriteString("\r\n")
}
