package sdp

import (
	"strings"

	pion "github.com/pion/sdp/v3"

	"carillon/internal/errs"
)

const (
	// MaxSize is the most bytes that an offer may have.
	MaxSize = 1 << 20

	// MaxSections is the most media sections that an offer may have, rejected ones included. Clients
	// recycle the sections of stopped videos, so an honest one has little more than 25 videos.
	MaxSections = 64
)

// Offer is what the server needs to know of a client's session description. ICE and DTLS parameters
// are those of the BUNDLE group; they are empty only if every section is rejected.
type Offer struct {
	Ufrag, Pwd   string
	Fingerprints []Fingerprint
	Setup        string // "actpass", "active" or ""
	AllowMixed   bool   // one stream may carry header extensions of both forms (RFC 8285 section 6)
	Sections     []*Section
}

// Fingerprint is the hash of a DTLS certificate (RFC 8122).
type Fingerprint struct {
	Algorithm string // lower case, such as "sha-256"
	Value     string // upper-case hexadecimal pairs with colons
}

// Audio returns the first audio section, nil if there is none.
func (o *Offer) Audio() *Section {
	for _, s := range o.Sections {
		if s.Kind == KindAudio {
			return s
		}
	}
	return nil
}

// Videos returns the video sections in the order of the offer, the camera and rejected ones included.
// Lists of stream ids that accompany an offer belong to them by position.
func (o *Offer) Videos() []*Section {
	var videos []*Section
	for _, s := range o.Sections {
		if s.Kind == KindVideo {
			videos = append(videos, s)
		}
	}
	return videos
}

// Camera returns the first video section on which the client wants to send, nil if there is none.
func (o *Offer) Camera() *Section {
	for _, s := range o.Sections {
		if s.Kind == KindVideo && s.Sends() {
			return s
		}
	}
	return nil
}

// ParseOffer reads an offer. A missing audio section is not an error.
func ParseOffer(text string) (*Offer, error) {
	if len(text) > MaxSize {
		return nil, invalid("is larger than %d bytes", MaxSize)
	}
	// Checked before parsing, because a section costs much more memory than its line. The parser takes
	// either character for the end of a line.
	if strings.Count(text, "\nm=")+strings.Count(text, "\rm=") > MaxSections {
		return nil, invalid("has more than %d media sections", MaxSections)
	}
	if !strings.HasPrefix(text, "v=0") { // the parser takes an empty text for a description
		return nil, invalid("does not begin with v=0")
	}
	var d pion.SessionDescription
	if err := d.UnmarshalString(text); err != nil {
		return nil, errs.Wrap(err, errs.Invalid, "The offer is not a valid session description.")
	}
	offer := &Offer{
		Sections:   make([]*Section, 0, len(d.MediaDescriptions)),
		AllowMixed: attributes(d.Attributes).has("extmap-allow-mixed"),
	}
	for i, m := range d.MediaDescriptions {
		s, err := parseSection(m)
		if err != nil {
			return nil, errs.New(errs.Invalid, "The offer's media section %d is wrong: %v.", i, err)
		}
		offer.Sections = append(offer.Sections, s)
	}
	if err := offer.checkUnique(); err != nil {
		return nil, err
	}
	if err := offer.checkBundle(&d); err != nil {
		return nil, err
	}
	if err := offer.parseTransport(&d); err != nil {
		return nil, err
	}
	return offer, nil
}

// checkUnique makes sure that what identifies a packet means one thing in the whole BUNDLE group
// (RFC 8843 section 9).
func (o *Offer) checkUnique() error {
	mids := map[string]bool{}
	ssrcs := map[uint32]bool{}
	extensions := map[uint8]string{}
	for _, s := range o.Sections {
		if s.MID != "" && mids[s.MID] {
			return invalid("uses the mid %q twice", s.MID)
		}
		mids[s.MID] = true
		if s.Rejected {
			continue
		}
		for uri, id := range s.Extensions {
			if other, taken := extensions[id]; taken && other != uri {
				return invalid("gives the header extension id %d two meanings", id)
			}
			extensions[id] = uri
		}
		if !s.Sends() {
			continue // what it says about SSRCs is left over from the past
		}
		for _, ssrc := range []uint32{s.SSRC, s.RTXSSRC} {
			if ssrc != 0 && ssrcs[ssrc] {
				return invalid("uses the SSRC %d twice", ssrc)
			}
			ssrcs[ssrc] = true
		}
	}
	return nil
}

// checkBundle makes sure that one transport can carry all sections.
func (o *Offer) checkBundle(d *pion.SessionDescription) error {
	bundled := map[string]bool{}
	for _, a := range d.Attributes {
		fields := strings.Fields(a.Value)
		if a.Key == "group" && len(fields) > 0 && fields[0] == "BUNDLE" {
			for _, mid := range fields[1:] {
				bundled[mid] = true
			}
			break
		}
	}
	active := 0
	for _, s := range o.Sections {
		if s.Rejected {
			continue
		}
		active++
		if active > 1 && !bundled[s.MID] {
			return invalid("does not bundle the section with mid %q", s.MID)
		}
	}
	return nil
}

// parseTransport takes the ICE and DTLS parameters from the first section that is not rejected, which
// is the tagged section of the BUNDLE group, or from the session level.
func (o *Offer) parseTransport(d *pion.SessionDescription) error {
	first := -1
	for i, s := range o.Sections {
		if !s.Rejected {
			first = i
			break
		}
	}
	if first < 0 {
		return nil
	}
	media := attributes(d.MediaDescriptions[first].Attributes)
	session := attributes(d.Attributes)
	o.Ufrag = either(media.first("ice-ufrag"), session.first("ice-ufrag"))
	o.Pwd = either(media.first("ice-pwd"), session.first("ice-pwd"))
	if !isICE(o.Ufrag, 4) || !isICE(o.Pwd, 22) {
		return invalid("has no usable ICE credentials")
	}
	o.Setup = either(media.first("setup"), session.first("setup"))
	if o.Setup != "" && o.Setup != "actpass" && o.Setup != "active" {
		return invalid("wants the server to open the DTLS connection (setup:%.20s)", o.Setup)
	}
	o.Fingerprints = media.fingerprints()
	if len(o.Fingerprints) == 0 {
		o.Fingerprints = session.fingerprints()
	}
	if len(o.Fingerprints) == 0 {
		return invalid("has no usable DTLS fingerprint")
	}
	return nil
}

// isICE reports whether s is 'least' to 256 characters of ice-char (RFC 8839 section 5.4).
func isICE(s string, least int) bool {
	if len(s) < least || len(s) > 256 {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '+' && s[i] != '/' {
			return false
		}
	}
	return true
}

func invalid(format string, args ...any) error {
	return errs.New(errs.Invalid, "The offer "+format+".", args...)
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
