package sdp

import (
	"errors"
	"fmt"
	"strings"
)

// maxCodecs bounds the payload formats of a section: there are no more payload types.
const maxCodecs = 128

// maxFeedback bounds the rtcp-fb lines of a codec; browsers write five.
const maxFeedback = 16

// parseCodecs reads the payload formats of the m= line that an rtpmap line explains, in order, and
// attaches the retransmission formats to what they repair.
func parseCodecs(formats []string, as attributes) ([]Codec, error) {
	if len(formats) > maxCodecs {
		return nil, errors.New("it has more payload types than there are")
	}
	names := rtpmaps(as)
	fmtps := byPayloadType(as, "fmtp")
	var codecs []Codec
	repairs := map[string]uint8{} // rtx payload type by the payload type, as text, that it repairs
	seen := map[uint8]bool{}
	for _, format := range formats {
		wide, ok := number(format, 7)
		if !ok {
			return nil, fmt.Errorf("%.20q is not a payload type", format)
		}
		pt := uint8(wide)
		if seen[pt] {
			return nil, fmt.Errorf("it uses the payload type %d twice", pt)
		}
		seen[pt] = true
		codec, ok := names[pt]
		// 64…95 would look like RTCP on a port shared with it (RFC 5761 section 4).
		if !ok || pt >= 64 && pt < 96 {
			continue
		}
		codec.PayloadType, codec.Fmtp = pt, fmtps[pt]
		if strings.EqualFold(codec.Name, "rtx") {
			if apt := parameter(codec.Fmtp, "apt"); repairs[apt] == 0 {
				repairs[apt] = pt
			}
			continue
		}
		codecs = append(codecs, codec)
	}
	attachFeedback(codecs, as)
	for i := range codecs {
		codecs[i].RTXPayloadType = repairs[fmt.Sprint(codecs[i].PayloadType)]
	}
	return codecs, nil
}

// rtpmaps reads "<pt> <name>/<clock rate>[/<channels>]" lines; broken ones are as good as absent.
func rtpmaps(as attributes) map[uint8]Codec {
	codecs := map[uint8]Codec{}
	for pt, value := range byPayloadType(as, "rtpmap") {
		parts := strings.Split(value, "/")
		if len(parts) < 2 || len(parts) > 3 || !isToken(parts[0]) || len(parts[0]) > maxName {
			continue
		}
		rate, ok := number(parts[1], 32)
		if !ok || rate == 0 {
			continue
		}
		codec := Codec{Name: parts[0], ClockRate: uint32(rate), Channels: 1}
		if len(parts) == 3 {
			channels, ok := number(parts[2], 8)
			if !ok || channels == 0 {
				continue
			}
			codec.Channels = int(channels)
		}
		codecs[pt] = codec
	}
	return codecs
}

// byPayloadType returns the values of lines that begin with a payload type; the first one counts.
func byPayloadType(as attributes, name string) map[uint8]string {
	values := map[uint8]string{}
	for _, a := range as {
		if a.Key != name {
			continue
		}
		id, value, _ := strings.Cut(a.Value, " ")
		pt, ok := number(id, 7)
		if _, again := values[uint8(pt)]; ok && !again {
			values[uint8(pt)] = strings.TrimSpace(value)
		}
	}
	return values
}

// attachFeedback reads the rtcp-fb lines (RFC 4585 section 4.2).
func attachFeedback(codecs []Codec, as attributes) {
	index := map[string]int{}
	for i, c := range codecs {
		index[fmt.Sprint(c.PayloadType)] = i
	}
	for _, a := range as {
		if a.Key != "rtcp-fb" {
			continue
		}
		pt, value, _ := strings.Cut(a.Value, " ")
		value = strings.TrimSpace(value)
		if pt == "*" {
			for i := range codecs {
				codecs[i].addFeedback(value)
			}
		} else if i, known := index[pt]; known {
			codecs[i].addFeedback(value)
		}
	}
}

func (c *Codec) addFeedback(value string) {
	if len(c.Feedback) < maxFeedback && len(value) <= maxName {
		c.Feedback = append(c.Feedback, value)
	}
}
