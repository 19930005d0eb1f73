package turn

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pion/turn/v5"
	"golang.org/x/time/rate"

	"carillon/internal/ids"
)

const (
	// lifetime is longer than any conference lasts, because clients cannot renew credentials during a call and every
	// refresh of an allocation needs them. What ends them in time is Revoke.
	lifetime = 25 * time.Hour
	// afterwards is how long relaying goes on after Revoke: a client whose signaling broke may still be in the call.
	afterwards = time.Minute
	// maxAllocations of one user: one for each address of the client's machine and each of the three ways to us.
	maxAllocations = 12
	// Bytes per second of one user: more than the largest call takes.
	maxUp, maxDown = 2 << 20, 8 << 20
)

// Grant is the credentials of one user.
type Grant struct {
	Username, Password string
	TTL                time.Duration

	server *Server
	id     string
}

// user is whom credentials were issued to.
type user struct {
	links    map[*relayConn]struct{} // guarded by the Server's mu
	ends     time.Time               // guarded by the Server's mu; zero: not revoked
	up, down *rate.Limiter
}

// Issue makes credentials for one session. The user name holds the time at which they expire, and the password is a
// keyed hash of it, so neither can be made up.
func (s *Server) Issue() *Grant {
	id := ids.Secret(16)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[id] = &user{
		links: make(map[*relayConn]struct{}),
		up:    rate.NewLimiter(maxUp, maxUp), down: rate.NewLimiter(maxDown, maxDown),
	}
	name := strconv.FormatInt(time.Now().Add(lifetime).Unix(), 10) + ":" + id
	return &Grant{Username: name, Password: s.password(name), TTL: lifetime, server: s, id: id}
}

// Revoke ends the credentials after a while. It may be called twice, and on nil.
func (g *Grant) Revoke() {
	if g == nil {
		return
	}
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	if u := g.server.users[g.id]; u != nil && u.ends.IsZero() {
		u.ends = time.Now().Add(afterwards)
	}
}

func (s *Server) password(name string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(name))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate returns the key that proves knowledge of the password.
func (s *Server) authenticate(ra *turn.RequestAttributes) (id string, key []byte, ok bool) {
	expiry, id, found := strings.Cut(ra.Username, ":")
	until, err := strconv.ParseInt(expiry, 10, 64)
	if !found || err != nil || ra.Realm != realm || time.Now().Unix() >= until {
		return "", nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[id] == nil {
		return "", nil, false
	}
	return id, turn.GenerateAuthKey(ra.Username, realm, s.password(ra.Username)), true
}

func (s *Server) withinQuota(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[id]
	return u != nil && u.ends.IsZero() && len(u.links) < maxAllocations
}

// sweep ends users that were revoked.
func (s *Server) sweep(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			s.expire(now)
		}
	}
}

func (s *Server) expire(now time.Time) {
	var ended []*relayConn
	s.mu.Lock()
	for id, u := range s.users {
		if u.ends.IsZero() || now.Before(u.ends) {
			continue
		}
		delete(s.users, id)
		for l := range u.links {
			ended = append(ended, l)
		}
	}
	s.mu.Unlock()
	for _, l := range ended {
		l.Close() // which makes the library end the allocation
	}
}

func (s *Server) linksLocked() (list []*relayConn) {
	for _, u := range s.users {
		for l := range u.links {
			list = append(list, l)
		}
	}
	return list
}

func netJoin(host string, port uint16) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(port)))
}
