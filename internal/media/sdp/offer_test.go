package sdp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"carillon/internal/errs"
	"carillon/internal/media/sdp"
)

func TestParseChromium(t *testing.T) {
	offer := parse(t, offerText(t, "chromium-camera-and-two-videos"))
	if offer.Setup != "actpass" || len(offer.Ufrag) != 4 || len(offer.Pwd) != 24 ||
		len(offer.Fingerprints) != 1 || offer.Fingerprints[0].Algorithm != "sha-256" || len(offer.Fingerprints[0].Value) != 95 {
		t.Errorf("transport: %+v", offer)
	}
	if len(offer.Sections) != 4 || len(offer.Videos()) != 3 || offer.Camera() != offer.Sections[1] {
		t.Fatalf("%d sections, %d videos", len(offer.Sections), len(offer.Videos()))
	}

	audio := offer.Audio()
	if audio.MID != "0" || audio.Direction != sdp.SendRecv || audio.SSRC == 0 || audio.RTXSSRC != 0 ||
		audio.CNAME == "" || audio.Stream == "" || audio.Track == "" {
		t.Errorf("audio: %+v", audio)
	}
	opus := audio.Codecs[0]
	if opus.PayloadType != 111 || opus.Name != "opus" || opus.ClockRate != 48000 || opus.Channels != 2 ||
		opus.Fmtp != "minptime=10;useinbandfec=1" || len(opus.Feedback) != 1 || opus.Feedback[0] != "transport-cc" {
		t.Errorf("opus: %+v", opus)
	}

	camera := offer.Camera()
	if !camera.Sends() || !camera.Receives() || camera.SSRC != 2820915489 || camera.RTXSSRC != 1007995489 ||
		camera.Stream != audio.Stream || camera.CNAME != audio.CNAME {
		t.Errorf("camera: %+v", camera)
	}
	vp8 := camera.Codecs[0]
	if vp8.Name != "VP8" || vp8.PayloadType != 96 || vp8.RTXPayloadType != 97 || vp8.Channels != 1 || len(vp8.Feedback) != 5 {
		t.Errorf("VP8: %+v", vp8)
	}
	for _, c := range camera.Codecs {
		if c.Name == "rtx" {
			t.Error("a retransmission format is listed as a codec")
		}
	}
	received := offer.Videos()[1]
	if received.MID != "2" || received.Sends() || !received.Receives() || received.SSRC != 0 {
		t.Errorf("received: %+v", received)
	}
	if received.Extensions[sdp.ExtensionMID] != camera.Extensions[sdp.ExtensionMID] || received.Extensions[sdp.ExtensionAbsSendTime] != 2 {
		t.Errorf("extensions: %v", received.Extensions)
	}
}

func TestParseChromiumLater(t *testing.T) {
	start := parse(t, offerText(t, "chromium-start"))
	if start.Camera() != nil || start.Videos()[0].Direction != sdp.Inactive || start.Videos()[0].Rejected {
		t.Errorf("start: %+v", start.Videos()[0])
	}

	stopped := parse(t, offerText(t, "chromium-first-video-stopped"))
	videos := stopped.Videos()
	if len(videos) != 3 || !videos[1].Rejected || videos[1].MID != "2" || videos[1].Receives() || videos[2].Rejected {
		t.Errorf("stopped: %+v", videos[1])
	}
	// The camera that was on once still names its SSRC; it does not send.
	if videos[0].Sends() || videos[0].SSRC == 0 || stopped.Camera() != nil {
		t.Errorf("camera that is off: %+v", videos[0])
	}

	recycled := parse(t, offerText(t, "chromium-section-recycled"))
	var mids []string
	for _, s := range recycled.Sections {
		mids = append(mids, s.MID)
	}
	if got := strings.Join(mids, " "); got != "0 1 4 3" {
		t.Errorf("mids in the order of the offer: %s", got)
	}
}

func TestParseFirefox(t *testing.T) {
	offer := parse(t, offerText(t, "firefox-with-h264"))
	if offer.Ufrag != "c4a1f09e" || offer.Fingerprints[0].Value[:5] != "7C:0A" {
		t.Errorf("transport: %+v", offer)
	}
	if id, offered := offer.Audio().Extensions["urn:ietf:params:rtp-hdrext:csrc-audio-level"]; offered {
		t.Errorf("an extension for one direction is listed with id %d", id)
	}
	videos := offer.Videos()
	if len(videos) != 3 || videos[0].SSRC != 1094583741 || videos[0].RTXSSRC != 3810240065 {
		t.Errorf("camera: %+v", videos[0])
	}
	if videos[1].Rejected || !videos[1].Receives() || len(videos[1].Codecs[0].Feedback) != 4 {
		t.Errorf("bundle-only section: %+v", videos[1])
	}
	if !videos[2].Rejected || videos[2].MID != "" {
		t.Errorf("rejected section: %+v", videos[2])
	}
}

// Firefox writes port 0 on every bundled section but the first; only bundle-only tells them from
// sections that are out of use.
func TestParseFirefoxBundleOnly(t *testing.T) {
	var got []string
	for _, s := range parse(t, offerText(t, "firefox-first-video-stopped")).Sections {
		got = append(got, fmt.Sprintf("%s %q %s rejected:%v", s.Kind, s.MID, s.Direction, s.Rejected))
	}
	want := []string{`audio "0" sendrecv rejected:false`, `video "1" inactive rejected:false`,
		`video "2" inactive rejected:true`, `video "3" recvonly rejected:false`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestParseWithoutAudio(t *testing.T) {
	offer := parse(t, change(t, "chromium-start", "m=audio 9", "m=audio 0"))
	if !offer.Audio().Rejected || offer.Ufrag == "" {
		t.Errorf("%+v", offer)
	}
	video := parse(t, minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=recvonly"))
	if video.Audio() != nil || len(video.Videos()) != 1 {
		t.Errorf("%+v", video)
	}
	empty, err := sdp.ParseOffer("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n")
	if err != nil || empty.Audio() != nil {
		t.Errorf("no sections: %v", err)
	}
}

func TestParseIgnores(t *testing.T) {
	offer := parse(t, minimal("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 70", "a=mid:0", "a=rtcp-mux", "a=sendonly",
		"a=rtpmap:96 VP8/90000", "a=rtpmap:96 H264/90000",
		"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
		"a=rtpmap:98 broken", // and 99 has no rtpmap, 70 looks like RTCP
		"a=rtpmap:70 VP9/90000", "a=rtpmap:200 VP9/90000", "a=rtcp-fb:50 nack",
		"a=extmap:15 urn:wide", "a=extmap:0 urn:zero", "a=extmap:x urn:x", "a=extmap:7 urn:seven", "a=extmap:9 urn:seven",
		"a=ssrc:0 cname:zero", "a=ssrc:x cname:x", "a=ssrc:11", "a=ssrc:12 cname:other", "a=ssrc-group:FID 5 5", "a=ssrc-group:FID 5",
		"a=rid:hi send", "a=rid:hi send", "a=rid:in recv", "a=rid:no.token send", "a=rid:"+strings.Repeat("x", 17)+" send", "a=simulcast:recv in send ~hi,low;~;~no.token", "a=msid:- track"))
	s := offer.Sections[0]
	if len(s.Codecs) != 1 || s.Codecs[0].Name != "VP8" || s.Codecs[0].RTXPayloadType != 97 {
		t.Errorf("codecs: %+v", s.Codecs)
	}
	if len(s.Extensions) != 1 || s.Extensions["urn:seven"] != 7 {
		t.Errorf("extensions: %v", s.Extensions)
	}
	if s.SSRC != 11 || s.RTXSSRC != 0 || s.CNAME != "" || s.Stream != "" || s.Track != "track" {
		t.Errorf("source: %+v", s)
	}
	if len(s.RIDs) != 1 || s.RIDs[0] != "hi" || !slices.Equal(s.Paused, s.RIDs) {
		t.Errorf("rids: %v, of which %v are paused", s.RIDs, s.Paused)
	}
}

func TestParseRefuses(t *testing.T) {
	const chromium = "chromium-camera-and-two-videos"
	section := []string{"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000"}
	with := func(lines ...string) string { return minimal(append(section[:len(section):len(section)], lines...)...) }
	for name, text := range map[string]string{
		"nothing":                       "",
		"not a description":             "hello\r\n",
		"too long":                      strings.Repeat("a", sdp.MaxSize+1),
		"too many sections":             minimal(strings.Split(strings.Repeat("m=video 0 UDP/TLS/RTP/SAVPF 96\n", sdp.MaxSections+1), "\n")[:sdp.MaxSections+1]...),
		"too many sections on CR lines": strings.ReplaceAll(minimal(strings.Split(strings.Repeat("m=video 0 UDP/TLS/RTP/SAVPF 96\n", sdp.MaxSections+1), "\n")[:sdp.MaxSections+1]...), "\r\n", "\r"),
		"a mid used twice":              change(t, chromium, "a=mid:3", "a=mid:2"),
		"no mid":                        change(t, chromium, "a=mid:3", "a=x:3"),
		"a mid with a space":            change(t, chromium, "a=mid:3", "a=mid:3 4"),
		"a long mid":                    change(t, chromium, "a=mid:3", "a=mid:12345678901234567"),
		"a section outside the bundle":  change(t, chromium, "BUNDLE 0 1 2 3", "BUNDLE 0 1 2"),
		"no ICE user":                   change(t, chromium, "a=ice-ufrag:", "a=x-ufrag:"),
		"a strange ICE user":            change(t, chromium, "a=ice-ufrag:", "a=ice-ufrag:?"),
		"a short ICE password":          with("a=ice-pwd:short"),
		"no fingerprint":                change(t, chromium, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 X"),
		"a passive client":              change(t, chromium, "a=setup:actpass", "a=setup:passive"),
		"no rtcp-mux":                   change(t, chromium, "a=rtcp-mux", "a=rtcp-mix"),
		"no encryption":                 change(t, chromium, "UDP/TLS/RTP/SAVPF", "RTP/AVP"),
		"a payload type used twice":     change(t, chromium, "SAVPF 111 63", "SAVPF 111 111"),
		"a payload type over 127":       change(t, chromium, "SAVPF 111 63", "SAVPF 111 163"),
		"an SSRC used twice":            with("a=ssrc:5 cname:a", "m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=rtcp-mux", "a=ssrc:5 cname:a"),
		"an extension id used twice":    with("a=extmap:3 urn:a", "a=extmap:3 urn:b"),
		"an extension id with another meaning elsewhere": with("a=extmap:3 urn:a",
			"m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=rtcp-mux", "a=extmap:3 urn:b"),
		"half an extmap line": with("a=extmap:3"),
	} {
		if offer, err := sdp.ParseOffer(text); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s: got %+v, %v", name, offer, err)
		}
	}
	if _, err := sdp.ParseOffer(with()); err != nil {
		t.Errorf("the section that the cases change is refused itself: %v", err)
	}
}

// change returns an offer of testdata with every occurrence of a text replaced.
func change(t testing.TB, name, from, to string) string {
	t.Helper()
	text := offerText(t, name)
	if !strings.Contains(text, from) {
		t.Fatalf("%s does not contain %q", name, from)
	}
	return strings.ReplaceAll(text, from, to)
}

// minimal returns a description with these media lines and a usable session part, in which the mids 0
// and 1 are bundled.
func minimal(lines ...string) string {
	head := []string{
		"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1",
		"a=ice-ufrag:abcd", "a=ice-pwd:" + strings.Repeat("p", 22), "a=setup:actpass",
		fmt.Sprintf("a=fingerprint:sha-256 %s", strings.TrimSuffix(strings.Repeat("0f:", 32), ":")),
	}
	return strings.Join(append(head, lines...), "\r\n") + "\r\n"
}
