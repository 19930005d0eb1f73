// Package placement says where the media services of a conference are: the MediaPlacement member that
// the Chime API and GraphQL hand to clients. It holds no state beyond its two settings, starts no
// goroutines and is safe for concurrent use.
package placement

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// URLs is the MediaPlacement object, with the member names that client libraries read.
type URLs struct {
	// AudioHostURL is "host:port" without a scheme. Clients take any non-empty value to mean that the
	// session has audio, and echo it when they subscribe.
	AudioHostURL string `json:"AudioHostUrl"`
	// AudioFallbackURL must be a WebSocket address for mobile clients to accept the object. There is no
	// separate fallback service, so it names the signaling endpoint.
	AudioFallbackURL string `json:"AudioFallbackUrl"`
	// SignalingURL is the WebSocket that the client opens to join.
	SignalingURL string `json:"SignalingUrl"`
	// TurnControlURL is empty: older clients that find an address here fetch TURN credentials from it.
	TurnControlURL string `json:"TurnControlUrl"`
	// EventIngestionURL takes what clients report about how the session goes, with their join token.
	EventIngestionURL string `json:"EventIngestionUrl"`
}

// Placement makes the addresses of conferences.
type Placement struct {
	base      *url.URL // nil: taken from each request
	mediaHost string
}

// New takes the address that clients reach the server under ("https://meet.example.org", optionally with
// a base path) and the "host:port" of the media socket. publicURL may be empty or not an http(s) address;
// then the address is taken from each request. The host of mediaHost may be empty or unspecified
// (":8081", "0.0.0.0:8081"); then the host of the public address stands in for it.
func New(publicURL, mediaHost string) Placement {
	return Placement{base: parseBase(publicURL), mediaHost: mediaHost}
}

// For returns the addresses of one conference from the configured public address. Without one it names
// localhost, which is right only for callers without a request at hand on the same machine.
func (p Placement) For(conferenceID string) URLs {
	base := p.base
	if base == nil {
		base = &url.URL{Scheme: "http", Host: "localhost"}
	}
	return p.urls(base, conferenceID)
}

// ForRequest returns the addresses of one conference as seen by the client that sent r. Forwarding
// headers are not read, because any client can send them: a server behind a TLS proxy needs a public URL.
func (p Placement) ForRequest(r *http.Request, conferenceID string) URLs {
	if p.base != nil || r.Host == "" {
		return p.For(conferenceID)
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return p.urls(&url.URL{Scheme: scheme, Host: r.Host}, conferenceID)
}

func (p Placement) urls(base *url.URL, conferenceID string) URLs {
	scheme := "ws"
	if base.Scheme == "https" {
		scheme = "wss"
	}
	signaling := (&url.URL{Scheme: scheme, Host: base.Host, Path: base.Path}).JoinPath("signal", url.PathEscape(conferenceID)).String()
	return URLs{
		AudioHostURL:     p.audioHost(base),
		AudioFallbackURL: signaling,
		SignalingURL:     signaling,

		EventIngestionURL: base.JoinPath("events").String(),
	}
}

// defaultMediaPort is what the server listens on for media unless told otherwise.
const defaultMediaPort = "8081"

func (p Placement) audioHost(base *url.URL) string {
	host, port, err := net.SplitHostPort(p.mediaHost)
	if err != nil {
		host, port = p.mediaHost, defaultMediaPort
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = base.Hostname()
	}
	return net.JoinHostPort(host, port)
}

func parseBase(publicURL string) *url.URL {
	u, err := url.Parse(strings.TrimSpace(publicURL))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil
	}
	return u
}
