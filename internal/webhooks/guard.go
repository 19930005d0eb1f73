package webhooks

import (
	"context"
	"fmt"
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
	var list []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
		"5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func (g *Guard) allowed(ip netip.Addr) bool {
	return slices.ContainsFunc(g.Allowed, func(p netip.Prefix) bool { return p.Contains(ip) })
}

func public(ip netip.Addr) bool {
	return ip.IsValid() && ip.IsGlobalUnicast() && !ip.IsPrivate() && ip.Zone() == "" &&
		!slices.ContainsFunc(special(), func(p netip.Prefix) bool { return p.Contains(ip) })
}

// check returns why nothing may be sent to the address.
func (g *Guard) check(ip netip.Addr, encrypted bool) error {
	ip = ip.Unmap()
	switch {
	case g.allowed(ip):
		return nil
	case !public(ip):
		return fmt.Errorf("the address %s is not public; a network is opened to webhooks by the setting webhook-networks", ip)
	case !encrypted:
		return fmt.Errorf("the address %s is reached over http; only https may be used outside of the networks of the setting webhook-networks", ip)
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
