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
		"first":             {audioOffer(t, "63 111", "a=fmtp:63 111/111"), "[63 red 111/111] [111 opus minptime=10;useinbandfec=1;usedtx=1]"},
		"behind":            {audioOffer(t, "111 63", "a=fmtp:63 111/111"), "[111 opus minptime=10;useinbandfec=1;usedtx=1] [63 red 111/111]"},
		"three levels":      {audioOffer(t, "63 111", "a=fmtp:63 111/111/111"), "[63 red 111/111] [111 opus minptime=10;useinbandfec=1;usedtx=1]"},
		"of something else": {audioOffer(t, "63 111", "a=fmtp:63 0/0"), "[111 opus minptime=10;useinbandfec=1;usedtx=1]"},
		"mixed":             {audioOffer(t, "63 111", "a=fmtp:63 111/0"), "[111 opus minptime=10;useinbandfec=1;usedtx=1]"},
		"unexplained":       {audioOffer(t, "63 111"), "[111 opus minptime=10;useinbandfec=1;usedtx=1]"},
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

// In each description stereo is what its author receives and sprop-stereo what it sends. Who sends it sends music, which
// must not be taken for silence; all others may leave out what is silent.
func TestStereoIsAnsweredForEachDirection(t *testing.T) {
	const usual, speech = "minptime=10;useinbandfec=1", "minptime=10;useinbandfec=1;usedtx=1"
	for name, c := range map[string]struct {
		offered, answer string
		wish            sdp.AudioWish
	}{
		"a browser":             {usual, speech, sdp.AudioWish{}},
		"no line":               {"", speech, sdp.AudioWish{}},
		"music profile":         {usual + ";maxaveragebitrate=128000;stereo=1;sprop-stereo=1", usual + ";stereo=1;maxaveragebitrate=128000;sprop-stereo=1", sdp.AudioWish{Stereo: true, MaxBitrate: 128000}},
		"mono music profile":    {usual + ";maxaveragebitrate=64000", speech, sdp.AudioWish{MaxBitrate: 64000}},
		"without a bitrate":     {"stereo=1;sprop-stereo=1", usual + ";stereo=1;maxaveragebitrate=128000;sprop-stereo=1", sdp.AudioWish{Stereo: true}},
		"receives only":         {"stereo=1;maxaveragebitrate=128000", speech + ";sprop-stereo=1", sdp.AudioWish{Stereo: true, MaxBitrate: 128000}},
		"Firefox":               {"maxplaybackrate=48000;stereo=1;useinbandfec=1", speech, sdp.AudioWish{}},
		"Firefox, mono music":   {"maxplaybackrate=48000;stereo=1;maxaveragebitrate=64000", speech, sdp.AudioWish{MaxBitrate: 64000}},
		"sends only":            {"sprop-stereo=1", usual + ";stereo=1;maxaveragebitrate=128000", sdp.AudioWish{}},
		"with spaces":           {"minptime=10; Stereo = 1 ; maxaveragebitrate = 96000", speech + ";sprop-stereo=1", sdp.AudioWish{Stereo: true, MaxBitrate: 96000}},
		"refused":               {"stereo=0;sprop-stereo=0", speech, sdp.AudioWish{}},
		"nonsense":              {"stereo=2;sprop-stereo=yes;maxaveragebitrate=-1", speech, sdp.AudioWish{}},
		"a number out of range": {"maxaveragebitrate=99999999999999999999;stereo", speech, sdp.AudioWish{}},
	} {
		lines := []string{"a=fmtp:111 " + c.offered}
		if c.offered == "" {
			lines = nil
		}
		n, err := sdp.NegotiateAudio(audioOffer(t, "111", lines...))
		if err != nil {
			t.Fatal(err)
		}
		if n.Codecs[0].Fmtp != c.answer || n.Audio != c.wish {
			t.Errorf("%s: answered %q, want %q; read %+v, want %+v", name, n.Codecs[0].Fmtp, c.answer, n.Audio, c.wish)
		}
	}
}
