package servers

import (
	"fmt"
	"net/netip"

	"carillon/test/load/lean"
)

// producer is what a client tells mediasoup about a stream that it sends; the rest are RTCRtpParameters, in the form
// of mediasoup.
type producer struct {
	Kind          string        `json:"kind"`
	RTPParameters rtpParameters `json:"rtpParameters"`
}

type rtpParameters struct {
	MID              string         `json:"mid"`
	Codecs           []rtpCodec     `json:"codecs"`
	HeaderExtensions []rtpExtension `json:"headerExtensions"`
	Encodings        []rtpEncoding  `json:"encodings"`
}

type rtpCodec struct {
	MimeType     string         `json:"mimeType"`
	PayloadType  uint8          `json:"payloadType"`
	ClockRate    int            `json:"clockRate"`
	Channels     int            `json:"channels,omitempty"`
	Parameters   map[string]any `json:"parameters,omitempty"`
	RTCPFeedback []rtcpFeedback `json:"rtcpFeedback,omitempty"`
}

type rtcpFeedback struct {
	Type      string `json:"type"`
	Parameter string `json:"parameter,omitempty"`
}

type rtpExtension struct {
	URI string `json:"uri"`
	ID  uint8  `json:"id"`
}

type rtpEncoding struct {
	SSRC uint32 `json:"ssrc,omitempty"`
	RID  string `json:"rid,omitempty"`
	RTX  *rtxOf `json:"rtx,omitempty"`
}

type rtxOf struct {
	SSRC uint32 `json:"ssrc"`
}

// cameraMID is the MID of cameras.
const cameraMID = "1"

func voiceProducer(ssrc uint32) producer {
	return producer{Kind: "audio", RTPParameters: rtpParameters{
		MID:              "0",
		Codecs:           []rtpCodec{{MimeType: "audio/opus", PayloadType: lean.OpusPT, ClockRate: 48000, Channels: 2, Parameters: map[string]any{"minptime": 10, "useinbandfec": 1}}},
		HeaderExtensions: []rtpExtension{{lean.LevelURI, lean.LevelExt}},
		Encodings:        []rtpEncoding{{SSRC: ssrc}},
	}}
}

// cameraProducer offers the same as the descriptions for the other servers.
func cameraProducer(ssrc, rtx uint32, simulcast bool) producer {
	p := rtpParameters{
		MID: cameraMID,
		Codecs: []rtpCodec{
			{MimeType: "video/VP8", PayloadType: lean.VP8PT, ClockRate: 90000, RTCPFeedback: []rtcpFeedback{
				{"nack", ""}, {"nack", "pli"}, {"ccm", "fir"}, {"goog-remb", ""}, {"transport-cc", ""},
			}},
			{MimeType: "video/rtx", PayloadType: lean.RTXPT, ClockRate: 90000, Parameters: map[string]any{"apt": lean.VP8PT}},
		},
		HeaderExtensions: []rtpExtension{{lean.TransportURI, lean.TransportExt}},
		Encodings:        []rtpEncoding{{SSRC: ssrc, RTX: &rtxOf{rtx}}},
	}
	if simulcast {
		p.HeaderExtensions = append(p.HeaderExtensions, rtpExtension{lean.MIDURI, lean.MIDExt}, rtpExtension{lean.RIDURI, lean.RIDExt})
		p.Encodings = nil
		for _, l := range layers() {
			p.Encodings = append(p.Encodings, rtpEncoding{RID: l.rid})
		}
	}
	return producer{Kind: "video", RTPParameters: p}
}

func addrPort(ip string, port int) (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address of a candidate: %w", err)
	}
	return netip.AddrPortFrom(addr, uint16(port)), nil
}
