package placement

import (
	"crypto/tls"
	"encoding/json"
	"net/http/httptest"
	"testing"
)

const conference = "5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713"

func TestFor(t *testing.T) {
	for _, tc := range []struct{ name, publicURL, mediaHost, signaling, audio, events string }{
		{"https", "https://meet.example.org", "media.example.org:3478", "wss://meet.example.org/signal/" + conference, "media.example.org:3478", "https://meet.example.org/events"},
		{"http with port", "http://127.0.0.1:8080", "127.0.0.1:8081", "ws://127.0.0.1:8080/signal/" + conference, "127.0.0.1:8081", "http://127.0.0.1:8080/events"},
		{"base path", "https://example.org/meet/", ":8081", "wss://example.org/meet/signal/" + conference, "example.org:8081", "https://example.org/meet/events"},
		{"unspecified media host", "https://meet.example.org:8443", "0.0.0.0:9000", "wss://meet.example.org:8443/signal/" + conference, "meet.example.org:9000", "https://meet.example.org:8443/events"},
		{"unspecified IPv6 media host", "https://meet.example.org", "[::]:9000", "wss://meet.example.org/signal/" + conference, "meet.example.org:9000", "https://meet.example.org/events"},
		{"IPv6", "http://[2001:db8::1]:8080", ":8081", "ws://[2001:db8::1]:8080/signal/" + conference, "[2001:db8::1]:8081", "http://[2001:db8::1]:8080/events"},
		{"no media host", "https://meet.example.org", "", "wss://meet.example.org/signal/" + conference, "meet.example.org:8081", "https://meet.example.org/events"},
		{"no public address", "", ":8081", "ws://localhost/signal/" + conference, "localhost:8081", "http://localhost/events"},
		{"not a web address", "ftp://x", ":8081", "ws://localhost/signal/" + conference, "localhost:8081", "http://localhost/events"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := New(tc.publicURL, tc.mediaHost).For(conference)
			want := URLs{AudioHostURL: tc.audio, AudioFallbackURL: tc.signaling, SignalingURL: tc.signaling, EventIngestionURL: tc.events}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestForRequest(t *testing.T) {
	r := httptest.NewRequest("GET", "/graphql", nil)
	r.Host = "192.0.2.7:8080"
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Host", "evil.example")
	open := New("", ":8081")
	if got, want := open.ForRequest(r, conference).SignalingURL, "ws://192.0.2.7:8080/signal/"+conference; got != want {
		t.Errorf("plain: got %s, want %s", got, want)
	}
	if got, want := open.ForRequest(r, conference).AudioHostURL, "192.0.2.7:8081"; got != want {
		t.Errorf("audio host: got %s, want %s", got, want)
	}
	r.TLS = &tls.ConnectionState{}
	if got, want := open.ForRequest(r, conference).SignalingURL, "wss://192.0.2.7:8080/signal/"+conference; got != want {
		t.Errorf("TLS: got %s, want %s", got, want)
	}
	fixed := New("https://meet.example.org", ":8081")
	if got, want := fixed.ForRequest(r, conference), fixed.For(conference); got != want {
		t.Errorf("a configured address must win over the request: got %+v, want %+v", got, want)
	}
}

func TestConferenceIDCannotLeaveItsPath(t *testing.T) {
	got := New("https://meet.example.org", "").For("../auth?x=#y").SignalingURL
	if want := "wss://meet.example.org/signal/..%2Fauth%3Fx=%23y"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMemberNames(t *testing.T) {
	got, err := json.Marshal(New("https://a.example", "b.example:1").For("c"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"AudioHostUrl":"b.example:1","AudioFallbackUrl":"wss://a.example/signal/c","SignalingUrl":"wss://a.example/signal/c","TurnControlUrl":"","EventIngestionUrl":"https://a.example/events"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
