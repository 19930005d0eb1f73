package lean

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// The payload types and extension ids of our own offers.
const (
	OpusPT = 111
	VP8PT  = 96
	RTXPT  = 97

	LevelExt     = 1
	TransportExt = 3
	MIDExt       = 4
	RIDExt       = 5
)

// URIs of header extensions.
const (
	LevelURI     = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	TransportURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	MIDURI       = "urn:ietf:params:rtp-hdrext:sdes:mid"
	RIDURI       = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
)

// Section is a media section of a description that we write.
type Section struct {
	Kind          string // "audio", "video", "application" (data channels that nobody uses), or anything else to refuse it
	Direction     string // sendrecv, sendonly, recvonly or inactive
	MID           string
	SSRC, RTXSSRC uint32   // of what we send, 0 = nothing
	RIDs          []string // simulcast layers that we send, least first; then there is no SSRC
	Track         string   // name of what we send
	Protocol      string   // of a section that is refused

	AudioPT, VideoPT, RTXPT uint8 // 0 = those of our offers
	LevelExt, TransportExt  uint8 // 0 = as in our offers
}

// Describe writes an offer (setup "actpass") or an answer ("active") for a connection. local may be invalid: then
// there is no candidate, and the server learns the address from our checks.
func (c *Conn) Describe(setup string, sections []Section) string {
	var w strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&w, format+"\r\n", args...) }
	line("v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0")
	var mids []string
	for _, s := range sections {
		if s.accepted() {
			mids = append(mids, s.MID)
		}
	}
	line("a=group:BUNDLE %s\r\na=msid-semantic: WMS", strings.Join(mids, " "))
	for _, s := range sections {
		if !s.accepted() {
			line("m=%s 0 %s 0\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=inactive", s.Kind, s.Protocol, s.MID)
			continue
		}
		s.write(line)
		line("a=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=fingerprint:sha-256 %s\r\na=setup:%s", c.Ufrag, c.Pwd, c.engine.fingerprint, setup)
	}
	return w.String()
}

func (s Section) accepted() bool {
	return s.Kind == "audio" || s.Kind == "video" || s.Kind == "application"
}

func (s Section) write(line func(string, ...any)) {
	if s.Kind == "application" {
		line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:%s\r\na=sctp-port:5000", s.MID)
		return
	}
	or := func(v, standard uint8) uint8 {
		if v == 0 {
			return standard
		}
		return v
	}
	audio, video, rtx := or(s.AudioPT, OpusPT), or(s.VideoPT, VP8PT), or(s.RTXPT, RTXPT)
	if s.Kind == "audio" {
		line("m=audio 9 UDP/TLS/RTP/SAVPF %d\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=mid:%s", audio, s.MID)
		line("a=rtpmap:%d opus/48000/2\r\na=fmtp:%d minptime=10;useinbandfec=1", audio, audio)
		line("a=extmap:%d %s", or(s.LevelExt, LevelExt), LevelURI)
	} else {
		line("m=video 9 UDP/TLS/RTP/SAVPF %d %d\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=mid:%s", video, rtx, s.MID)
		line("a=rtpmap:%d VP8/90000\r\na=rtcp-fb:%d nack\r\na=rtcp-fb:%d nack pli\r\na=rtcp-fb:%d ccm fir\r\na=rtcp-fb:%d goog-remb", video, video, video, video, video)
		if s.SSRC != 0 || len(s.RIDs) > 0 { // congestion control of what we receive is by REMB
			line("a=rtcp-fb:%d transport-cc\r\na=extmap:%d %s", video, or(s.TransportExt, TransportExt), TransportURI)
		}
		line("a=rtpmap:%d rtx/90000\r\na=fmtp:%d apt=%d", rtx, rtx, video)
	}
	if len(s.RIDs) > 0 {
		line("a=extmap:%d %s\r\na=extmap:%d %s", MIDExt, MIDURI, RIDExt, RIDURI)
	}
	line("a=%s", s.Direction)
	for _, rid := range s.RIDs {
		line("a=rid:%s send", rid)
	}
	if len(s.RIDs) > 0 {
		line("a=simulcast:send %s\r\na=msid:load %s", strings.Join(s.RIDs, ";"), s.Track)
	}
	if s.SSRC == 0 {
		return
	}
	line("a=msid:load %s", s.Track)
	if s.RTXSSRC != 0 {
		line("a=ssrc-group:FID %d %d\r\na=ssrc:%d cname:load\r\na=ssrc:%d msid:load %s", s.SSRC, s.RTXSSRC, s.RTXSSRC, s.RTXSSRC, s.Track)
	}
	line("a=ssrc:%d cname:load\r\na=ssrc:%d msid:load %s", s.SSRC, s.SSRC, s.Track)
}

// Description is what a server's description says.
type Description struct {
	Remote
	Sections []RemoteSection
}

// RemoteSection is a section of it.
type RemoteSection struct {
	Kind, MID, Direction, Protocol string
	PT, RTXPT                      uint8 // Opus or VP8
	DTX                            bool  // of Opus: what is silent shall be left out (RFC 7587 section 6.1)
	Extensions                     map[string]uint8
	Track                          string // of msid
}

// ParseDescription reads an offer or an answer.
func ParseDescription(text string) (*Description, error) {
	var parsed sdp.SessionDescription
	if err := parsed.UnmarshalString(text); err != nil {
		return nil, err
	}
	d := &Description{}
	d.credentials(parsed.Attributes)
	for _, m := range parsed.MediaDescriptions {
		d.credentials(m.Attributes)
		d.Sections = append(d.Sections, d.section(m))
	}
	if d.Ufrag == "" || d.Pwd == "" {
		return nil, errors.New("the server's description has no ICE credentials")
	}
	return d, nil
}

func (d *Description) credentials(as []sdp.Attribute) {
	for _, a := range as {
		switch {
		case a.Key == "ice-ufrag" && d.Ufrag == "":
			d.Ufrag = a.Value
		case a.Key == "ice-pwd" && d.Pwd == "":
			d.Pwd = a.Value
		case a.Key == "candidate" && !d.Addr.IsValid():
			d.Addr, _ = ParseCandidate(a.Value)
		}
	}
}

func (d *Description) section(m *sdp.MediaDescription) RemoteSection {
	s := RemoteSection{Kind: m.MediaName.Media, Protocol: strings.Join(m.MediaName.Protos, "/"), Extensions: make(map[string]uint8)}
	if m.MediaName.Port.Value == 0 {
		s.Direction = "inactive"
	}
	codecs := map[string]*uint8{"opus": &s.PT, "vp8": &s.PT}
	repairs := map[uint8]uint8{}
	for _, a := range m.Attributes {
		first, rest, _ := strings.Cut(a.Value, " ")
		id, _ := strconv.ParseUint(first, 10, 8)
		switch a.Key {
		case "mid":
			s.MID = a.Value
		case "sendrecv", "sendonly", "recvonly", "inactive":
			if s.Direction == "" {
				s.Direction = a.Key
			}
		case "rtpmap":
			name, _, _ := strings.Cut(strings.ToLower(rest), "/")
			if pt := codecs[name]; pt != nil && *pt == 0 {
				*pt = uint8(id)
			}
		case "fmtp":
			if apt, ok := strings.CutPrefix(rest, "apt="); ok {
				repaired, _ := strconv.ParseUint(apt, 10, 8)
				repairs[uint8(repaired)] = uint8(id)
			}
			if uint8(id) == s.PT && s.Kind == "audio" {
				s.DTX = strings.Contains(";"+rest+";", ";usedtx=1;")
			}
		case "extmap":
			s.Extensions[rest] = uint8(id)
		case "msid":
			_, s.Track, _ = strings.Cut(a.Value, " ")
		}
	}
	s.RTXPT = repairs[s.PT]
	d.learn(s)
	return s
}

// learn notes the payload types of what the server may send.
func (d *Description) learn(s RemoteSection) {
	if s.Kind == "audio" && d.AudioPT == 0 {
		d.AudioPT = s.PT
	}
	if s.Kind == "video" && d.VideoPT == 0 {
		d.VideoPT, d.RTXPT = s.PT, s.RTXPT
	}
}

// ParseCandidate reads a UDP candidate over IPv4 (RFC 8839 section 5.1); ok is false for others.
func ParseCandidate(value string) (addr netip.AddrPort, ok bool) {
	f := strings.Fields(strings.TrimPrefix(value, "candidate:"))
	if len(f) < 6 || !strings.EqualFold(f[2], "udp") {
		return addr, false
	}
	ip, err := netip.ParseAddr(f[4])
	port, err2 := strconv.ParseUint(f[5], 10, 16)
	if err != nil || err2 != nil || !ip.Is4() {
		return addr, false
	}
	return netip.AddrPortFrom(ip, uint16(port)), true
}
