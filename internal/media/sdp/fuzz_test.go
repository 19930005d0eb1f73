package sdp_test

import (
	"strings"
	"testing"

	pion "github.com/pion/sdp/v3"

	"carillon/internal/errs"
	"carillon/internal/media/sdp"
)

// FuzzAnswer parses any text as an offer and answers it: the answer must be a description of its own
// with as many sections, whatever the offer contained.
func FuzzAnswer(f *testing.F) {
	for _, name := range offers {
		f.Add(offerText(f, name))
	}
	f.Add(minimal("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:0"))
	f.Add(minimal("m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000",
		"a=fmtp:97 apt=96", "a=extmap:1 "+sdp.ExtensionMID, "a=rtcp-fb:* nack", "a=ssrc-group:FID 1 2", "a=ssrc:1 cname:c"))
	f.Fuzz(func(t *testing.T, text string) {
		offer, err := sdp.ParseOffer(text)
		if err != nil {
			if errs.CodeOf(err) != errs.Invalid {
				t.Fatalf("not an Invalid error: %v", err)
			}
			return
		}
		answer := answerTo(offer).String()
		var description pion.SessionDescription
		if err := description.UnmarshalString(answer); err != nil {
			t.Fatalf("the answer is no description: %v\n%s", err, answer)
		}
		if len(description.MediaDescriptions) != len(offer.Sections) {
			t.Fatalf("%d sections were offered\n%s", len(offer.Sections), answer)
		}
		if _, sections := split(t, answer); len(sections) != len(offer.Sections) {
			t.Fatalf("%d sections were offered\n%s", len(offer.Sections), answer)
		}
		// Its own credentials are in it, nobody else's.
		if strings.Contains(answer, "a=ice-ufrag:") && strings.Count(answer, "a=ice-ufrag:") != strings.Count(answer, "a=ice-ufrag:server-ufrag\r\n") {
			t.Fatalf("foreign credentials\n%s", answer)
		}
	})
}
