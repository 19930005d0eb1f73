package lean

import (
	"testing"

	"carillon/internal/media/sdp"
)

// The server's own parser must find in an offer what was put into it.
func TestDescribeIsAnOffer(t *testing.T) {
	e, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c := e.NewConn()
	text := c.Describe("actpass", []Section{
		{Kind: "audio", Direction: "sendrecv", MID: "0", SSRC: 5, Track: "voice"},
		{Kind: "video", Direction: "sendonly", MID: "1", SSRC: 6, RTXSSRC: 7, Track: "camera"},
		{Kind: "video", Direction: "recvonly", MID: "2"},
		{Kind: "video", Direction: "sendonly", MID: "3", RIDs: []string{"low", "hi"}, Track: "layers"},
	})
	offer, err := sdp.ParseOffer(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	s := offer.Sections
	if len(s) != 4 || s[0].SSRC != 5 || s[1].SSRC != 6 || s[1].RTXSSRC != 7 || s[1].Sends() != true || s[2].Sends() || !s[2].Receives() {
		t.Errorf("sections %+v", s)
	}
	if len(s[3].RIDs) != 2 {
		t.Errorf("layers %v", s[3].RIDs)
	}
	if _, ok := s[1].Extensions[TransportURI]; !ok {
		t.Error("a camera has no transport-wide numbers")
	}
	if _, ok := s[2].Extensions[TransportURI]; ok {
		t.Error("congestion control of what is received is not by REMB")
	}
	d, err := ParseDescription(text)
	if err != nil {
		t.Fatal(err)
	}
	if d.Ufrag != c.Ufrag || d.Pwd != c.Pwd || d.AudioPT != OpusPT || d.VideoPT != VP8PT || d.RTXPT != RTXPT {
		t.Errorf("read %+v", d.Remote)
	}
}

func TestParseCandidate(t *testing.T) {
	for text, want := range map[string]string{
		"candidate:1 1 udp 2130706431 127.0.0.1 8081 typ host": "127.0.0.1:8081",
		"1 1 UDP 1 10.0.0.1 9 typ srflx raddr 0.0.0.0 rport 0": "10.0.0.1:9",
		"candidate:1 1 tcp 1 127.0.0.1 9 typ host":             "",
		"candidate:1 1 udp 1 ::1 9 typ host":                   "",
		"candidate:1 1 udp 1 127.0.0.1 99999 typ host":         "",
		"": "",
	} {
		addr, ok := ParseCandidate(text)
		if ok != (want != "") || ok && addr.String() != want {
			t.Errorf("%q: %v, %v", text, addr, ok)
		}
	}
	if _, err := ParseDescription("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"); err == nil {
		t.Error("a description without credentials is accepted")
	}
}
