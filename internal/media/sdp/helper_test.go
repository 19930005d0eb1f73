package sdp_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"carillon/internal/media/sdp"
)

// offerText returns an offer of testdata with the line ends of the wire.
func offerText(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\n", "\r\n")
}

func parse(t testing.TB, text string) *sdp.Offer {
	t.Helper()
	offer, err := sdp.ParseOffer(text)
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

// answerTo answers every section with what it is for: audio, camera, a received video, or nothing.
func answerTo(offer *sdp.Offer) sdp.Answer {
	answer := sdp.Answer{
		SessionID: 7, Version: 2, Ufrag: "server-ufrag", Pwd: "server-password-of-the-ice-agent",
		Fingerprint: sdp.Fingerprint{Algorithm: "sha-256", Value: strings.TrimSuffix(strings.Repeat("AB:", 32), ":")},
		Candidates: []sdp.Candidate{
			{Foundation: "1", Component: 1, Protocol: "udp", Priority: 2130706431, Addr: netip.MustParseAddrPort("[::ffff:192.0.2.1]:3478"), Type: "host"},
			{Foundation: "2", Component: 1, Protocol: "udp", Priority: 2130706430, Addr: netip.MustParseAddrPort("[2001:db8::1]:3478"), Type: "host"},
		},
	}
	answer.AllowMixed = offer.AllowMixed
	for i, s := range offer.Sections {
		a := sdp.AnswerSection{Offer: s, Role: sdp.RoleInactive, CNAME: "c"}
		switch {
		case s.Kind == sdp.KindAudio:
			a.Role, a.SSRC, a.Stream = sdp.RoleAudio, uint32(1000+i), "mix"
			a.Negotiated, _ = sdp.NegotiateAudio(s)
		case s.Sends():
			a.Role = sdp.RoleCamera
			a.Negotiated, _ = sdp.NegotiateVideoReceive(s)
		case s.Receives():
			a.Role, a.SSRC, a.RTXSSRC = sdp.RoleVideo, uint32(2000+i), uint32(3000+i)
			a.Negotiated, _ = sdp.NegotiateVideoSend(s, true)
		default:
			a.Negotiated, _ = sdp.NegotiateVideoReceive(s)
		}
		answer.Sections = append(answer.Sections, a)
	}
	return answer
}

// split returns the session part of a description and its sections, each as lines without line ends.
func split(t testing.TB, text string) (session []string, sections [][]string) {
	t.Helper()
	if !strings.HasSuffix(text, "\r\n") || strings.Count(text, "\n") != strings.Count(text, "\r\n") ||
		strings.Count(text, "\r") != strings.Count(text, "\r\n") {
		t.Fatalf("lines do not end in CRLF: %q", text)
	}
	for _, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		switch {
		case strings.HasPrefix(line, "m="):
			sections = append(sections, []string{line})
		case len(sections) > 0:
			sections[len(sections)-1] = append(sections[len(sections)-1], line)
		default:
			session = append(session, line)
		}
	}
	return session, sections
}

// withPrefix returns what follows the prefix in the lines that have it.
func withPrefix(lines []string, prefix string) []string {
	var found []string
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			found = append(found, rest)
		}
	}
	return found
}
