package sdp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	pion "github.com/pion/sdp/v3"
)

// Kind is the medium of a section.
type Kind string

// The kinds that mean something to the server. Sections of other kinds keep their own name.
const (
	KindAudio       Kind = "audio"
	KindVideo       Kind = "video"
	KindApplication Kind = "application" // data channels
)

// Direction is the direction of a section as its writer sees it.
type Direction string

// The directions of RFC 8866 section 6.7.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Section is one media section of an offer. Of a rejected section only Kind, MID, Rejected and
// Direction mean anything. The fields from SSRC on describe what the client sends; they may be left
// over from the past when the section does not send (see Sends), and SSRCs are 0 when the client does
// not announce them, as with simulcast.
type Section struct {
	Kind       Kind
	MID        string
	Rejected   bool // port 0: the section is not in use, only its position counts
	Direction  Direction
	Codecs     []Codec          // in the client's order, without the retransmission formats
	Extensions map[string]uint8 // RTP header extension URI to id 1…14

	SSRC    uint32
	RTXSSRC uint32 // SSRC of the retransmissions (RFC 4588), 0 = none
	CNAME   string
	Stream  string   // first part of msid, "" = no stream
	Track   string   // second part of msid
	RIDs    []string // encodings of simulcast (RFC 8853), in the client's order; empty = no simulcast
	Paused  []string // those of RIDs that the client does not send at present

	protocol, format string // of the m= line, for answers that reject the section
}

// Codec is one RTP payload format of a section.
type Codec struct {
	PayloadType    uint8
	Name           string // as offered; compare without regard to case
	ClockRate      uint32
	Channels       int    // 1 when the offer does not say
	Fmtp           string // "" = no fmtp line
	Format         Format // of negotiated video; "" in an offer
	RTXPayloadType uint8  // payload type of its retransmissions, 0 = none
	Feedback       []string
}

// Sends reports whether the client wants to send on the section.
func (s *Section) Sends() bool {
	return !s.Rejected && (s.Direction == SendRecv || s.Direction == SendOnly)
}

// Receives reports whether the client wants to receive on the section.
func (s *Section) Receives() bool {
	return !s.Rejected && (s.Direction == SendRecv || s.Direction == RecvOnly)
}

const (
	// maxMID is the longest value that fits a one-byte RTP header extension (RFC 8285 section 4.2).
	maxMID = 16

	// maxRIDs bounds the simulcast layers of a section.
	maxRIDs = 8

	// maxExtensionID is the highest id of a one-byte header extension; higher ones are ignored, which
	// refuses them.
	maxExtensionID = 14

	// maxName bounds names that are kept for the life of the section.
	maxName = 256
)

func parseSection(m *pion.MediaDescription) (*Section, error) {
	as := attributes(m.Attributes)
	s := &Section{
		Kind:      Kind(m.MediaName.Media),
		MID:       as.first("mid"),
		Rejected:  m.MediaName.Port.Value == 0 && !as.has("bundle-only"),
		Direction: as.direction(),
		protocol:  strings.Join(m.MediaName.Protos, "/"),
		format:    "0",
	}
	if len(m.MediaName.Formats) > 0 {
		s.format = m.MediaName.Formats[0]
	}
	if s.MID != "" && (len(s.MID) > maxMID || !isToken(s.MID)) {
		return nil, errors.New("its mid is not a token of at most 16 characters")
	}
	if s.Rejected {
		return s, nil
	}
	if s.MID == "" {
		return nil, errors.New("it has no mid")
	}
	if s.Kind != KindAudio && s.Kind != KindVideo {
		return s, nil
	}
	if s.protocol != "UDP/TLS/RTP/SAVPF" && s.protocol != "TCP/TLS/RTP/SAVPF" { // RFC 8829 section 5.1.2
		return nil, errors.New("its protocol is not UDP/TLS/RTP/SAVPF")
	}
	if !as.has("rtcp-mux") {
		return nil, errors.New("it does not offer rtcp-mux")
	}
	var err error
	if s.Codecs, err = parseCodecs(m.MediaName.Formats, as); err != nil {
		return nil, err
	}
	if s.Extensions, err = parseExtensions(as); err != nil {
		return nil, err
	}
	s.parseSource(as)
	return s, nil
}

func (as attributes) direction() Direction {
	for _, a := range as {
		switch d := Direction(a.Key); d {
		case SendRecv, SendOnly, RecvOnly, Inactive:
			return d
		}
	}
	return SendRecv // the default of RFC 8866
}

// parseExtensions reads the extmap lines (RFC 8285 section 5). Extensions for one direction only are
// left out: the server uses none of them.
func parseExtensions(as attributes) (map[string]uint8, error) {
	ids := map[string]uint8{}
	uris := map[uint8]bool{}
	for _, a := range as {
		if a.Key != "extmap" {
			continue
		}
		fields := strings.Fields(a.Value)
		if len(fields) < 2 {
			return nil, errors.New("it has a broken extmap line")
		}
		wide, ok := number(fields[0], 16)
		if !ok || wide < 1 || wide > maxExtensionID {
			continue
		}
		id, uri := uint8(wide), fields[1]
		if _, again := ids[uri]; again || len(uri) > maxName {
			continue
		}
		if uris[id] {
			return nil, fmt.Errorf("it uses the header extension id %d twice", id)
		}
		uris[id] = true
		ids[uri] = id
	}
	return ids, nil
}

// parseSource reads what the section says about the client's own stream. With several FID groups, as
// simulcast by SSRC has them, the first counts.
func (s *Section) parseSource(as attributes) {
	simulcast := as.has("simulcast")
	paused := as.paused()
	for _, a := range as {
		switch a.Key {
		case "ssrc-group":
			fields := strings.Fields(a.Value)
			if len(fields) == 3 && fields[0] == "FID" && s.RTXSSRC == 0 {
				media, ok1 := number(fields[1], 32)
				rtx, ok2 := number(fields[2], 32)
				if ok1 && ok2 && media != 0 && media != rtx {
					s.SSRC, s.RTXSSRC = uint32(media), uint32(rtx)
				}
			}
		case "msid":
			s.setMSID(a.Value)
		case "rid":
			id, rest, _ := strings.Cut(a.Value, " ")
			direction, _, _ := strings.Cut(rest, " ")
			if simulcast && direction == "send" && isRID(id) && len(s.RIDs) < maxRIDs && !slices.Contains(s.RIDs, id) {
				s.RIDs = append(s.RIDs, id)
				if slices.Contains(paused, id) {
					s.Paused = append(s.Paused, id)
				}
			}
		}
	}
	for _, a := range as {
		if a.Key != "ssrc" {
			continue
		}
		id, rest, _ := strings.Cut(a.Value, " ")
		ssrc, ok := number(id, 32)
		if !ok || ssrc == 0 {
			continue
		}
		if s.SSRC == 0 {
			s.SSRC = uint32(ssrc)
		}
		if name, value, _ := strings.Cut(rest, ":"); uint32(ssrc) == s.SSRC && len(value) <= maxName {
			switch name {
			case "cname":
				s.CNAME = value
			case "msid":
				s.setMSID(value)
			}
		}
	}
}

// paused returns the encodings that a section marks as paused (RFC 8853 section 5.1): send a;~b,c recv d. Of alternatives
// the first counts.
func (as attributes) paused() (ids []string) {
	fields := strings.Fields(as.first("simulcast"))
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "send" {
			continue
		}
		for stream := range strings.SplitSeq(fields[i+1], ";") {
			first, _, _ := strings.Cut(stream, ",")
			if id, ok := strings.CutPrefix(first, "~"); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// isRID reports whether s is a name of an encoding that fits a one-byte header extension (RFC 8851 section 10).
func isRID(s string) bool {
	if s == "" || len(s) > maxMID {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

// setMSID takes "<stream> <track>" (RFC 8830); the first such line counts.
func (s *Section) setMSID(value string) {
	if s.Track != "" || s.Stream != "" || len(value) > 2*maxName {
		return
	}
	s.Stream, s.Track, _ = strings.Cut(value, " ")
	if s.Stream == "-" {
		s.Stream = ""
	}
}
