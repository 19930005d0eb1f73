package sdp_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"carillon/internal/errs"
	"carillon/internal/media/sdp"
)

const (
	h264Fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	opusFmtp = "minptime=10;useinbandfec=1;usedtx=1"
)

var offers = []string{
	"chromium-start", "chromium-camera-and-two-videos", "chromium-first-video-stopped",
	"chromium-section-recycled", "firefox-with-h264", "firefox-camera-and-two-videos", "firefox-first-video-stopped",
}

// The whole text once, so that a change of any line is seen.
func TestAnswerText(t *testing.T) {
	got := answerTo(parse(t, offerText(t, "chromium-start"))).String()
	transport := []string{
		"a=ice-ufrag:server-ufrag", "a=ice-pwd:server-password-of-the-ice-agent",
		"a=fingerprint:sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), "a=setup:passive",
	}
	want := slices.Concat([]string{
		"v=0", "o=- 7 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1", "a=extmap-allow-mixed", "a=ice-lite",
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 63", "c=IN IP4 0.0.0.0",
		"a=candidate:1 1 udp 2130706431 192.0.2.1 3478 typ host",
		"a=candidate:2 1 udp 2130706430 2001:db8::1 3478 typ host",
		"a=end-of-candidates",
	}, transport, []string{
		"a=mid:0",
		"a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
		"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
		"a=sendrecv", "a=msid:mix t_0", "a=rtcp-mux", "a=rtcp-rsize",
		"a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1",
		"a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111",
		"a=ssrc:1000 cname:c",
		"m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 108 109 45 46 118 119 120", "c=IN IP4 0.0.0.0",
	}, transport, []string{
		"a=mid:1",
		"a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
		"a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
		"a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
		"a=inactive", "a=rtcp-mux", "a=rtcp-rsize",
		"a=rtpmap:96 VP8/90000",
		"a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 goog-remb",
		"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
		"a=rtpmap:98 VP9/90000",
		"a=rtcp-fb:98 nack", "a=rtcp-fb:98 nack pli", "a=rtcp-fb:98 ccm fir", "a=rtcp-fb:98 transport-cc", "a=rtcp-fb:98 goog-remb",
		"a=fmtp:98 profile-id=0",
		"a=rtpmap:99 rtx/90000", "a=fmtp:99 apt=98",
		"a=rtpmap:108 H264/90000",
		"a=rtcp-fb:108 nack", "a=rtcp-fb:108 nack pli", "a=rtcp-fb:108 ccm fir", "a=rtcp-fb:108 transport-cc", "a=rtcp-fb:108 goog-remb",
		"a=fmtp:108 " + h264Fmtp,
		"a=rtpmap:109 rtx/90000", "a=fmtp:109 apt=108",
		"a=rtpmap:45 AV1/90000",
		"a=rtcp-fb:45 nack", "a=rtcp-fb:45 nack pli", "a=rtcp-fb:45 ccm fir", "a=rtcp-fb:45 transport-cc", "a=rtcp-fb:45 goog-remb",
		"a=rtpmap:46 rtx/90000", "a=fmtp:46 apt=45",
		"a=rtpmap:118 red/90000", "a=rtpmap:119 rtx/90000", "a=fmtp:119 apt=118", "a=rtpmap:120 ulpfec/90000",
	})
	if got != strings.Join(want, "\r\n")+"\r\n" {
		t.Errorf("got\n%s", got)
	}
}

// What clients rely on, on all offers.
func TestAnswerKeepsWhatClientsRelyOn(t *testing.T) {
	for _, name := range offers {
		t.Run(name, func(t *testing.T) {
			offer := parse(t, offerText(t, name))
			session, sections := split(t, answerTo(offer).String())
			if len(sections) != len(offer.Sections) {
				t.Fatalf("%d sections for %d", len(sections), len(offer.Sections))
			}
			var bundled []string
			candidates := 0
			for i, lines := range sections {
				offered := offer.Sections[i]
				if !strings.HasPrefix(lines[0], "m="+string(offered.Kind)+" ") {
					t.Errorf("section %d begins with %s", i, lines[0])
				}
				if offered.Rejected != strings.Contains(lines[0], " 0 UDP") {
					t.Errorf("section %d: rejected %v, answered with %s", i, offered.Rejected, lines[0])
				}
				if offered.Rejected {
					continue
				}
				bundled = append(bundled, offered.MID)
				if found := withPrefix(lines, "a=candidate:"); len(found) > 0 {
					candidates++
					if len(bundled) > 1 {
						t.Errorf("candidates in section %d", i)
					}
				}
				checkSection(t, offered, lines)
			}
			if got := withPrefix(session, "a=group:BUNDLE "); len(got) != 1 || got[0] != strings.Join(bundled, " ") {
				t.Errorf("bundled %v instead of %v", got, bundled)
			}
			if candidates != 1 || !slices.Contains(session, "a=ice-lite") {
				t.Errorf("session: %v", session)
			}
		})
	}
}

func checkSection(t *testing.T, offered *sdp.Section, lines []string) {
	t.Helper()
	for _, want := range []string{"a=mid:" + offered.MID, "a=setup:passive", "a=rtcp-mux", "a=rtcp-rsize", "c=IN IP4 0.0.0.0"} {
		if !slices.Contains(lines, want) {
			t.Errorf("mid %s lacks %s", offered.MID, want)
		}
	}
	// Clients search the text of the section for these words.
	text := strings.Join(lines, "\r\n")
	direction := ""
	for _, word := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
		switch strings.Count(text, word) {
		case 0:
		case 1:
			direction += word
		default:
			t.Errorf("mid %s says %s more than once", offered.MID, word)
		}
	}
	want := map[sdp.Direction]string{sdp.SendRecv: "sendrecv", sdp.RecvOnly: "sendonly", sdp.Inactive: "inactive"}[offered.Direction]
	if direction != want {
		t.Errorf("mid %s is %q instead of %q", offered.MID, direction, want)
	}
	for _, uri := range withPrefix(lines, "a=extmap:") {
		if id, uri, _ := strings.Cut(uri, " "); offered.Extensions[uri] == 0 || strings.Contains(id, "/") {
			t.Errorf("mid %s accepts the extension %s %s", offered.MID, id, uri)
		}
	}
	if offered.Kind == sdp.KindAudio {
		checkAudio(t, lines)
		return
	}
	checkVideo(t, offered, lines, direction)
}

func checkAudio(t *testing.T, lines []string) {
	t.Helper()
	if msid := withPrefix(lines, "a=msid:"); len(msid) != 1 || msid[0] != "mix t_0" {
		t.Errorf("audio has the msid %v", msid)
	}
	if rtpmap := withPrefix(lines, "a=rtpmap:"); !strings.HasSuffix(rtpmap[0], " opus/48000/2") || len(rtpmap) > 1 && rtpmap[1] != "63 red/48000/2" {
		t.Errorf("audio codecs %v", rtpmap)
	}
	if fmtp := withPrefix(lines, "a=fmtp:"); !strings.HasSuffix(fmtp[0], " "+opusFmtp) || len(fmtp) > 1 && fmtp[1] != "63 111/111" {
		t.Errorf("audio fmtp %v", fmtp)
	}
}

func checkVideo(t *testing.T, offered *sdp.Section, lines []string, direction string) {
	t.Helper()
	var codecs []string
	for _, line := range withPrefix(lines, "a=rtpmap:") {
		pt, codec, _ := strings.Cut(line, " ")
		codecs = append(codecs, codec)
		fmtp := withPrefix(lines, "a=fmtp:"+pt+" ")
		switch codec {
		case "VP8/90000":
			if len(fmtp) != 0 {
				t.Errorf("VP8 has the fmtp %v", fmtp)
			}
		case "AV1/90000":
			if len(fmtp) != 0 {
				t.Errorf("AV1 has the fmtp %v", fmtp)
			}
		case "VP9/90000":
			if len(fmtp) != 1 || fmtp[0] != "profile-id=0" {
				t.Errorf("VP9 has the fmtp %v", fmtp)
			}
		case "H264/90000":
			if len(fmtp) != 1 || fmtp[0] != h264Fmtp {
				t.Errorf("H264 has the fmtp %v", fmtp)
			}
		}
	}
	want := "VP8/90000 rtx/90000"
	for _, name := range []string{"VP9", "H264", "AV1"} {
		if i := slices.IndexFunc(offered.Codecs, func(c sdp.Codec) bool { return c.Name == name }); i >= 0 {
			want += " " + name + "/90000"
			if offered.Codecs[i].RTXPayloadType != 0 {
				want += " rtx/90000"
			}
		}
	}
	if direction != "sendonly" && slices.ContainsFunc(offered.Codecs, func(c sdp.Codec) bool { return c.Name == "ulpfec" }) { // what only the sender of a camera may use
		want += " red/90000 rtx/90000 ulpfec/90000"
	}
	if got := strings.Join(codecs, " "); got != want {
		t.Errorf("mid %s has the codecs %s", offered.MID, got)
	}
	if direction != "sendonly" {
		if sources := withPrefix(lines, "a=ssrc"); len(sources) != 0 {
			t.Errorf("mid %s announces %v", offered.MID, sources)
		}
		return
	}
	if msid := withPrefix(lines, "a=msid:"); len(msid) != 1 || !strings.HasPrefix(msid[0], "v_"+offered.MID+" ") {
		t.Errorf("mid %s has the msid %v", offered.MID, msid)
	}
	if len(withPrefix(lines, "a=ssrc-group:FID ")) != 1 || len(withPrefix(lines, "a=ssrc:")) != 2 {
		t.Errorf("mid %s does not announce its SSRCs", offered.MID)
	}
	_, numbered := offered.Extensions[sdp.ExtensionTransportCC]
	if strings.Contains(strings.Join(lines, "\n"), sdp.ExtensionTransportCC) != numbered {
		t.Errorf("mid %s: transport-wide sequence numbers were offered: %v", offered.MID, numbered)
	}
	feedback := 4
	if slices.Contains(offered.Codecs[0].Feedback, "transport-cc") {
		feedback++
	}
	if len(withPrefix(lines, "a=rtcp-fb:"))*2 != feedback*len(codecs) || !slices.ContainsFunc(lines, func(l string) bool { return strings.HasSuffix(l, " goog-remb") }) {
		t.Errorf("mid %s has the feedback %v", offered.MID, withPrefix(lines, "a=rtcp-fb:"))
	}
}

func TestAnswerNarrowsDirections(t *testing.T) {
	for _, c := range []struct {
		offered string
		role    sdp.Role
		want    string
	}{
		{"sendrecv", sdp.RoleAudio, "sendrecv"},
		{"sendonly", sdp.RoleAudio, "recvonly"},
		{"recvonly", sdp.RoleAudio, "sendonly"},
		{"inactive", sdp.RoleAudio, "inactive"},
		{"sendrecv", sdp.RoleCamera, "sendrecv"},
		{"sendonly", sdp.RoleCamera, "recvonly"},
		{"recvonly", sdp.RoleCamera, "inactive"},
		{"inactive", sdp.RoleCamera, "inactive"},
		{"sendrecv", sdp.RoleVideo, "sendonly"},
		{"recvonly", sdp.RoleVideo, "sendonly"},
		{"sendonly", sdp.RoleVideo, "inactive"},
		{"inactive", sdp.RoleVideo, "inactive"},
		{"sendrecv", sdp.RoleInactive, "inactive"},
	} {
		offer := parse(t, minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a="+c.offered))
		answer := answerTo(offer)
		answer.Sections[0].Role = c.role
		_, sections := split(t, answer.String())
		if !slices.Contains(sections[0], "a="+c.want) {
			t.Errorf("%s offered, role %d: %v", c.offered, c.role, sections[0])
		}
		msid := len(withPrefix(sections[0], "a=msid:")) == 1
		sends := c.role != sdp.RoleCamera && (c.want == "sendrecv" || c.want == "sendonly")
		if msid != sends {
			t.Errorf("%s offered, role %d: msid %v", c.offered, c.role, msid)
		}
	}
}

func TestAnswerRejects(t *testing.T) {
	offer := parse(t, minimal(
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:0",
		"m=video 9 UDP/TLS/RTP/SAVPF 98", "a=mid:1", "a=rtcp-mux", "a=rtpmap:98 H265/90000"))
	answer := answerTo(offer)
	answer.Sections[0].Role = sdp.RoleRejected
	session, sections := split(t, answer.String())
	if len(withPrefix(session, "a=group:")) != 0 {
		t.Errorf("rejected sections are bundled: %v", session)
	}
	if got := strings.Join(sections[0], "|"); got != "m=application 0 UDP/DTLS/SCTP webrtc-datachannel|c=IN IP4 0.0.0.0|a=mid:0|a=inactive" {
		t.Errorf("got %s", got)
	}
	// Nothing in common: no codec to list, so the section cannot live.
	if got := strings.Join(sections[1], "|"); got != "m=video 0 UDP/TLS/RTP/SAVPF 98|c=IN IP4 0.0.0.0|a=mid:1|a=inactive" {
		t.Errorf("got %s", got)
	}
}

func TestCandidateText(t *testing.T) {
	for want, c := range map[string]sdp.Candidate{
		"candidate:a 1 udp 5 192.0.2.1 80 typ host":                    {Foundation: "a", Component: 1, Protocol: "udp", Priority: 5, Addr: netip.MustParseAddrPort("192.0.2.1:80"), Type: "host"},
		"candidate:a 1 tcp 5 2001:db8::1 443 typ host tcptype passive": {Foundation: "a", Component: 1, Protocol: "tcp", Priority: 5, Addr: netip.MustParseAddrPort("[2001:db8::1]:443"), Type: "host"},
		"candidate:a 1 udp 4294967295 fe80::1 9 typ host":              {Foundation: "a", Component: 1, Protocol: "udp", Priority: 1<<32 - 1, Addr: netip.MustParseAddrPort("[fe80::1%eth0]:9"), Type: "host"},
	} {
		if got := c.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSessionIDHasNoHighestBit(t *testing.T) {
	if got := (sdp.Answer{SessionID: 1<<63 | 5}).String(); !strings.Contains(got, "o=- 5 0 IN") {
		t.Errorf("got %s", got)
	}
}

func TestNegotiateMatchesProfiles(t *testing.T) {
	const high, constrainedHigh = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f"
	for _, c := range []struct {
		codec, fmtp string
		format      sdp.Format // "" = not accepted
		answer      string
	}{
		{"h264", h264Fmtp, sdp.H264Baseline, h264Fmtp},
		{"h264", "profile-level-id=42E034; packetization-mode=1;x-google-start-bitrate=1000", sdp.H264Baseline, h264Fmtp},
		{"H264", "Packetization-Mode=1;PROFILE-LEVEL-ID=42e01f", sdp.H264Baseline, h264Fmtp},
		{"H264", "packetization-mode=1;profile-level-id=640034", sdp.H264High, high},
		{"H264", "packetization-mode=1;profile-level-id=640c1f", sdp.H264ConstrainedHigh, constrainedHigh},
		{"H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f", "", ""},
		{"H264", "level-asymmetry-allowed=1;profile-level-id=42e01f", "", ""},
		{"H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", "", ""},
		{"H264", "packetization-mode=1", "", ""},
		{"VP9", "profile-id=0;x-google-start-bitrate=1000", sdp.VP9Profile0, "profile-id=0"},
		{"VP9", "x-google-start-bitrate=1000", sdp.VP9Profile0, "profile-id=0"},
		{"VP9", "profile-id=2", "", ""},
		{"AV1", "level-idx=5;profile=0;tier=0", sdp.AV1Main, ""},
		{"AV1", "profile=1", "", ""},
		{"VP8", "x-google-start-bitrate=1000", sdp.VP8, ""},
		{"H265", "profile-id=1", "", ""},
	} {
		n, err := sdp.NegotiateVideoReceive(parse(t, minimal("m=video 9 UDP/TLS/RTP/SAVPF 100", "a=mid:0", "a=rtcp-mux",
			"a=rtpmap:100 "+c.codec+"/90000", "a=fmtp:100 "+c.fmtp)).Sections[0])
		if (err == nil) != (c.format != "") || err != nil && errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s %s: %v", c.codec, c.fmtp, err)
		}
		if err == nil && (n.Codecs[0].Format != c.format || n.Codecs[0].Fmtp != c.answer || n.Codecs[0].PayloadType != 100 || n.Codecs[0].RTXPayloadType != 0) {
			t.Errorf("%s %s: %+v", c.codec, c.fmtp, n.Codecs[0])
		}
	}
}

func TestProtectionIsAcceptedWhole(t *testing.T) {
	const red, rtx, parity = "a=rtpmap:116 red/90000", "a=rtpmap:117 rtx/90000\r\na=fmtp:117 apt=116", "a=rtpmap:118 ulpfec/90000"
	for _, c := range []struct {
		name  string
		lines []string
		ok    bool
	}{
		{"all", []string{red, rtx, parity}, true},
		{"no ULPFEC", []string{red, rtx}, false},
		{"no RED", []string{parity}, false},
		{"RED that cannot be retransmitted", []string{red, parity}, false},
		{"of another clock", []string{"a=rtpmap:116 red/48000", rtx, parity}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := append([]string{"m=video 9 UDP/TLS/RTP/SAVPF 96 116 117 118", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000"}, c.lines...)
			section := parse(t, minimal(lines...)).Sections[0]
			received, err := sdp.NegotiateVideoReceive(section)
			if err != nil || (len(received.Protection) == 2) != c.ok || len(received.Codecs) != 1 {
				t.Errorf("negotiated %+v, %v", received, err)
			}
			if sent, err := sdp.NegotiateVideoSend(section, true); err != nil || len(sent.Protection) != 0 {
				t.Errorf("to receivers: %+v, %v", sent, err)
			}
		})
	}
}

func TestAnswerAcceptsSimulcast(t *testing.T) {
	offer := parse(t, minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=sendrecv",
		"a=extmap:10 "+sdp.ExtensionRID, "a=extmap:11 "+sdp.ExtensionRepairedRID, "a=extmap:12 "+sdp.ExtensionDependency,
		"a=extmap:13 http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
		"a=rid:low send", "a=rid:mid send", "a=rid:hi send", "a=simulcast:send low;~mid;hi"))
	_, sections := split(t, answerTo(offer).String())
	for _, want := range []string{
		"a=rid:low recv", "a=rid:mid recv", "a=rid:hi recv", "a=simulcast:recv low;~mid;hi", "a=sendrecv",
		"a=extmap:10 " + sdp.ExtensionRID, "a=extmap:11 " + sdp.ExtensionRepairedRID, "a=extmap:12 " + sdp.ExtensionDependency,
	} {
		if !slices.Contains(sections[0], want) {
			t.Errorf("the answer lacks %s", want)
		}
	}
	if len(withPrefix(sections[0], "a=extmap:")) != 3 || len(withPrefix(sections[0], "a=ssrc")) != 0 {
		t.Errorf("the answer accepts more: %v", sections[0])
	}
}

// Chromium gives encodings up for good that are not accepted once.
func TestAnswerKeepsSimulcastWhileTheCameraIsOff(t *testing.T) {
	offer := parse(t, minimal("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=inactive",
		"a=rid:low send", "a=rid:hi send", "a=simulcast:send ~low;hi"))
	_, sections := split(t, answerTo(offer).String())
	for _, want := range []string{"a=inactive", "a=rid:low recv", "a=rid:hi recv", "a=simulcast:recv ~low;hi"} {
		if !slices.Contains(sections[0], want) {
			t.Errorf("the answer lacks %s: %v", want, sections[0])
		}
	}
}

func TestNegotiateNothingThatWasNotOffered(t *testing.T) {
	offer := parse(t, minimal("m=audio 9 UDP/TLS/RTP/SAVPF 96", "a=mid:0", "a=rtcp-mux", "a=rtpmap:96 OPUS/48000/2",
		"m=video 9 UDP/TLS/RTP/SAVPF 97", "a=mid:1", "a=rtcp-mux", "a=rtpmap:97 VP8/90000", "a=rtcp-fb:97 nack pli"))
	audio, err := sdp.NegotiateAudio(offer.Audio())
	if err != nil || len(audio.Extensions) != 0 || len(audio.Codecs[0].Feedback) != 0 || audio.Codecs[0].Fmtp != opusFmtp || audio.Codecs[0].Name != "opus" {
		t.Errorf("audio: %+v, %v", audio, err)
	}
	video, err := sdp.NegotiateVideoSend(offer.Videos()[0], true)
	if err != nil || len(video.Extensions) != 0 || !slices.Equal(video.Codecs[0].Feedback, []string{"nack pli"}) {
		t.Errorf("video: %+v, %v", video, err)
	}
	for name, err := range map[string]error{
		"no section":     second(sdp.NegotiateAudio(nil)),
		"no Opus":        second(sdp.NegotiateAudio(offer.Videos()[0])),
		"mono Opus":      second(sdp.NegotiateAudio(&sdp.Section{Codecs: []sdp.Codec{{Name: "opus", ClockRate: 48000, Channels: 1}}})),
		"no video codec": second(sdp.NegotiateVideoSend(offer.Audio(), true)),
		"rejected":       second(sdp.NegotiateVideoSend(&sdp.Section{Rejected: true, Codecs: offer.Videos()[0].Codecs}, true)),
		"no video":       second(sdp.NegotiateVideoReceive(nil)),
	} {
		if errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ sdp.Negotiated, err error) error { return err }
