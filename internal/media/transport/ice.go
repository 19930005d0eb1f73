package transport

import (
	"bytes"
	"errors"
	"net"
	"time"

	"github.com/pion/stun/v3"
)

// pathSilence is how long the nominated pair must be without authenticated requests before a request on another pair
// takes over without USE-CANDIDATE. Clients whose NAT gave them a new address do not nominate again; a living pair
// carries a request every 6 seconds at most (RFC 7675 section 5.1).
const pathSilence = int64(7 * time.Second)

// usernameLimit bounds USERNAME (RFC 8489 section 14.3).
const usernameLimit = 513

// bindingRequest is what counts in a binding request, from its attributes before MESSAGE-INTEGRITY only: the others are not
// authenticated (RFC 8489 section 14.5).
type bindingRequest struct {
	localUfrag  []byte // ours, because the sender puts its peer's first
	remoteUfrag []byte
	nominated   bool // USE-CANDIDATE
	controlled  bool // ICE-CONTROLLED: a role conflict, because an ICE-lite agent is always controlled
	unknown     []stun.AttrType
}

var errNotBinding = errors.New("not a binding request of ICE")

// parseBinding reads an ICE connectivity check into m. It checks everything except MESSAGE-INTEGRITY, which needs the
// password. The result refers to m.
func parseBinding(m *stun.Message, datagram []byte) (q bindingRequest, err error) {
	if len(datagram) < 20 || len(datagram)&3 != 0 || !stun.IsMessage(datagram) {
		return q, errNotBinding
	}
	if int(datagram[2])<<8|int(datagram[3]) != len(datagram)-20 {
		return q, errNotBinding // something behind the message, which no check would cover
	}
	m.Raw = append(m.Raw[:0], datagram...) // the checks below change it for a moment
	if err := m.Decode(); err != nil {
		return q, err
	}
	if m.Type != stun.BindingRequest {
		return q, errNotBinding
	}
	if err := stun.Fingerprint.Check(m); err != nil {
		return q, err
	}
	var username []byte
	signed := false
attributes:
	for _, a := range m.Attributes {
		switch a.Type {
		case stun.AttrMessageIntegrity:
			signed = len(a.Value) == 20
			break attributes
		case stun.AttrUsername:
			if username != nil || len(a.Value) > usernameLimit {
				return q, errNotBinding
			}
			username = a.Value
		case stun.AttrUseCandidate:
			q.nominated = true
		case stun.AttrICEControlled:
			q.controlled = true
		case stun.AttrPriority, stun.AttrICEControlling:
		default:
			if a.Type < 0x8000 && len(q.unknown) < 8 { // comprehension-required (RFC 8489 section 14)
				q.unknown = append(q.unknown, a.Type)
			}
		}
	}
	if !signed {
		return q, errNotBinding
	}
	var found bool
	if q.localUfrag, q.remoteUfrag, found = bytes.Cut(username, []byte{':'}); !found {
		return q, errNotBinding
	}
	return q, nil
}

// handleSTUN answers connectivity checks of peers who know the password, and nobody else, so that the port cannot be
// used to find out anything or to amplify anything.
func (r *reader) handleSTUN(datagram []byte, now int64) {
	stats := &r.server.counters
	q, err := parseBinding(&r.request, datagram)
	if err != nil {
		stats.rejected.Add(1)
		return
	}
	c := r.server.conns.findUfrag(q.localUfrag)
	if c == nil || string(q.remoteUfrag) != c.remoteUfrag || c.localPwd.Check(&r.request) != nil {
		stats.rejected.Add(1)
		return
	}
	if len(q.unknown) > 0 {
		r.respond(c, stun.BindingError, stun.CodeUnknownAttribute, stun.UnknownAttributes(q.unknown))
		return
	}
	if q.controlled {
		r.respond(c, stun.BindingError, stun.CodeRoleConflict)
		return
	}
	claimed, evicted := r.server.conns.claim(c, r.from, now)
	if !claimed {
		stats.rejected.Add(1)
		return
	}
	r.server.release(evicted)
	r.authenticated = true
	c.lastRequest.Store(now)
	c.validatedAt.CompareAndSwap(0, max(now, 1))
	c.choose(r.from, q.nominated, now)
	from := r.from.addrPort()
	r.respond(c, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.IP(from.Addr().AsSlice()), Port: int(from.Port())})
}

// respond queues an authenticated response on the path of the request.
func (r *reader) respond(c *Conn, kind stun.MessageType, attributes ...stun.Setter) {
	setters := append([]stun.Setter{&r.request, kind}, attributes...)
	if err := r.response.Build(append(setters, c.localPwd, stun.Fingerprint)...); err != nil {
		r.server.counters.sendFailed.Add(1)
		return
	}
	buffer, err := r.batch.reserve(len(r.response.Raw))
	if err != nil {
		r.server.counters.sendFailed.Add(1)
		return
	}
	copy(buffer, r.response.Raw)
	r.batch.commit(c, r.from, buffer)
}

// choose decides whether what we send goes to p from now on.
func (c *Conn) choose(p path, nominated bool, now int64) {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	switch {
	case c.out.to == p && c.out.reachable:
		c.out.nominated = c.out.nominated || nominated
		return
	case nominated:
	case !c.out.nominated: // before the nomination the latest pair is as good as any
	case now-c.server.conns.lastFrom(c, c.out.to) < pathSilence:
		return
	}
	if c.out.to != p && c.out.reachable {
		c.unsegmented.Store(false) // another way, another MTU
	}
	c.out.to, c.out.reachable = p, true
	c.out.nominated = c.out.nominated || nominated
}

// follow makes what we send take the pair that media comes on. A client sends its media on the pair it has selected
// only, and after a change of address it may not nominate again: this is what moves the call then. It is false while
// the pair in use has the later check, because then the packet was just a late one.
func (c *Conn) follow(p path) bool {
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.out.to == p {
		return true
	}
	if c.out.reachable && c.server.conns.lastFrom(c, p) < c.server.conns.lastFrom(c, c.out.to) {
		return false
	}
	c.out.to, c.out.reachable = p, true
	c.unsegmented.Store(false)
	return true
}
