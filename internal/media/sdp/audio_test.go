package sdp_test

import (
	"fmt"
	"testing"

	"carillon/internal/media/sdp"
)

// audioOffer is the audio section of an offer with these formats and lines.
func audioOffer(t *testing.T, formats string, lines ...string) *sdp.Section {
	t.Helper()
	return parse(t, minimal(append([]string{"m=audio 9 UDP/TLS/RTP/SAVPF " + formats, "a=mid:0", "a=rtcp-mux",
		"a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2"}, lines...)...)).Audio()
}

func TestREDIsAcceptedInTheClientsOrder(t *testing.T) {
	for name, c := range map[string]struct {
		section *sdp.Section
		want    string
	}{
		"first":             {audioOffer(t, "63 111", "a=fmtp:63 111/111"), "[63 red 111/111] [111 opus minptime=10;useinbandfec=1]"},
		"behind":            {audioOffer(t, "111 63", "a=fmtp:63 111/111"), "[111 opus minptime=10;useinbandfec=1] [63 red 111/111]"},
		"three levels":      {audioOffer(t, "63 111", "a=fmtp:63 111/111/111"), "[63 red 111/111] [111 opus minptime=10;useinbandfec=1]"},
		"of something else": {audioOffer(t, "63 111", "a=fmtp:63 0/0"), "[111 opus minptime=10;useinbandfec=1]"},
		"mixed":             {audioOffer(t, "63 111", "a=fmtp:63 111/0"), "[111 opus minptime=10;useinbandfec=1]"},
		"unexplained":       {audioOffer(t, "63 111"), "[111 opus minptime=10;useinbandfec=1]"},
	} {
		n, err := sdp.NegotiateAudio(c.section)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for i, codec := range n.Codecs {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprint([]any{codec.PayloadType, codec.Name, codec.Fmtp})
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		if n.PayloadType(sdp.Opus) != 111 || n.PayloadType("nothing") != 0 {
			t.Errorf("%s: payload type %d of Opus", name, n.PayloadType(sdp.Opus))
		}
	}
}
