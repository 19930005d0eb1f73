package signaling

import (
	"net"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"carillon/internal/media/turn"
	"carillon/internal/signaling/signalpb"
)

// relaySuffix at the end of the path of the signaling address asks for the relay. Clients only append a query.
const relaySuffix = "/relay"

// RelayPolicy says who is told to use the relay. A client that is told so uses nothing else, which costs it a detour;
// so by default only those do who need it.
type RelayPolicy string

// The policies.
const (
	RelayNever    RelayPolicy = "never"
	RelayFallback RelayPolicy = "fallback" // who asks, and whose last attempt without it did not get through
	RelayAlways   RelayPolicy = "always"
)

// Relay is how clients are sent through the relay. Without a Server nobody is.
type Relay struct {
	Server *turn.Server
	Policy RelayPolicy
	Host   string // what clients are told; "" = the host of the address they came to
}

// relayUse is the part of the relay in one session.
type relayUse struct {
	asked bool   // by the path
	host  string // of the request, with or without port

	key   string      // of the attendee, once it has joined
	grant *turn.Grant // nil: told to connect directly
	since time.Time   // of the first offer; zero: none yet
}

// tried notes that the client begins to connect.
func (r *relayUse) tried(now time.Time) {
	if r.since.IsZero() {
		r.since = now
	}
}

// enterRelay decides for a client that joins. Without a relay the credentials are present but empty: media goes directly
// to us, and old clients ask nobody else for relays.
func (s *session) enterRelay(attendeeID string) *signalpb.SdkTurnCredentials {
	relay := s.server.cfg.Relay
	s.relay.key = s.conferenceID + "/" + attendeeID
	if relay.Server == nil || !s.server.attempts.wantRelay(relay.Policy, s.relay.asked, s.relay.key) {
		return &signalpb.SdkTurnCredentials{Username: proto.String(""), Password: proto.String(""), Ttl: proto.Uint32(86400)}
	}
	host := relay.Host
	if host == "" {
		host = hostOf(s.relay.host)
	}
	g := relay.Server.Issue()
	s.relay.grant = g
	s.log().Info("attendee is sent through the relay")
	return &signalpb.SdkTurnCredentials{
		Username: &g.Username, Password: &g.Password, Ttl: proto.Uint32(uint32(g.TTL / time.Second)),
		Uris: relay.Server.URIs(host),
	}
}

// leaveRelay ends the credentials and remembers how the attempt went.
func (s *session) leaveRelay(now time.Time) {
	s.relay.grant.Revoke()
	if s.participant != nil && s.server.cfg.Relay.Server != nil && !s.relay.since.IsZero() {
		s.server.attempts.ended(s.relay.key, s.relay.grant != nil, s.participant.Reached(), now.Sub(s.relay.since))
	}
}

func hostOf(hostPort string) string {
	if host, _, err := net.SplitHostPort(hostPort); err == nil {
		return host
	}
	return hostPort
}

const (
	// enoughTime is how long a client must have tried before its failure says anything about its network.
	enoughTime = 5 * time.Second
	// maxAttempts bounds what is remembered.
	maxAttempts = 10_000
)

// attempts remembers whose last attempt did not get through, and which way it was. The next one takes the other way.
type attempts struct {
	mu     sync.Mutex
	failed map[string]bool // by attendee: whether the relay was used
}

func (a *attempts) wantRelay(policy RelayPolicy, asked bool, key string) bool {
	switch policy {
	case RelayAlways:
		return true
	case RelayFallback:
	default:
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	usedRelay, failed := a.failed[key]
	if failed {
		return !usedRelay
	}
	return asked
}

// ended takes in how an attempt went. One that got through through the relay leaves the memory of the failure without
// it, so that a client that comes back does not have to fail again.
func (a *attempts) ended(key string, usedRelay, reached bool, after time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case reached && !usedRelay:
		delete(a.failed, key)
	case !reached && after >= enoughTime:
		if a.failed == nil {
			a.failed = make(map[string]bool)
		}
		for other := range a.failed {
			if len(a.failed) < maxAttempts {
				break
			}
			delete(a.failed, other)
		}
		a.failed[key] = usedRelay
	}
}
