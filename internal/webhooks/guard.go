package webhooks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"carillon/internal/errs"
)

// Guard says which addresses may be sent to. Who may make webhooks could otherwise reach what only this
// machine can reach: its own services, the private network, the metadata service of a cloud.
type Guard struct {
	// Allowed are networks that may be sent to although they are not public, also over plain HTTP.
	Allowed []netip.Prefix
}

// special are networks that are not part of the public internet and that netip has no question for, or
// that stand for an address of version 4 which nobody would look at (RFC 6890 and what updates it).
func special() []netip.Prefix {
	return prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
}

// assigned is the whole public internet: version 4, and the one part of version 6 that addresses are given out of
// (RFC 4291 section 2.4 and the registry of the IANA). What translates to version 4 by a well-known prefix is
// outside of it.
func assigned() []netip.Prefix { return prefixes("0.0.0.0/0", "2000::/3") }

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func within(list []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func public(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && within(assigned(), ip) && !within(special(), ip)
}

// check returns why nothing may be sent to the address. It does not repeat the address: whoever makes a webhook
// reads the answer, and could look up names of the private network with it.
func (g *Guard) check(ip netip.Addr, encrypted bool) error {
	ip = ip.Unmap()
	switch {
	case within(g.Allowed, ip):
		return nil
	case !public(ip):
		return errors.New("the address is not public; a network is opened to webhooks by the setting webhook-networks")
	case !encrypted:
		return errors.New("the address is reached over http; only https may be used outside of the networks of the setting webhook-networks")
	}
	return nil
}

// checkLiteral refuses at once a URL that names a forbidden address. Names are looked up when something is
// sent, because what they stand for can change.
func (g *Guard) checkLiteral(u *url.URL) error {
	if g == nil {
		return nil
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil
	}
	if err := g.check(ip, u.Scheme == "https"); err != nil {
		return errs.Field("url", "Nothing can be sent there: %v.", err)
	}
	return nil
}

// dial returns a function that connects only where it is allowed. The check comes after the name was looked
// up and before the connection is made, so that no name can be changed in between.
func (g *Guard) dial(encrypted bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return g.check(to.Addr(), encrypted)
	}}
	return d.DialContext
}

// queueHost matches the names of queue and topic services.
var queueHost = regexp.MustCompile(`^(sqs|sns|lambda|events)\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)

const maxURL = 2048

// parseURL checks the address of a webhook.
func parseURL(text string) (*url.URL, error) {
	if strings.HasPrefix(text, "arn:") {
		return nil, errs.Field("url", "Queues, topics and functions cannot be told of events: give the http:// or https:// address of a program that takes POST requests.")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > maxURL || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errs.Field("url", "The address must begin with https:// (or http://) and name a host, and have at most %d characters.", maxURL)
	case u.User != nil:
		return nil, errs.Field("url", "The address must not contain a user name or password: check the signature of the requests instead.")
	case u.Fragment != "":
		return nil, errs.Field("url", "The address must not contain a fragment (#).")
	case queueHost.MatchString(strings.ToLower(u.Hostname())):
		return nil, errs.Field("url", "Queues, topics and functions of AWS need requests of their own form: give the address of a program that takes POST requests and hands them on.")
	}
	return u, nil
}
