package webhooks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"carillon/internal/errs"
)

func TestGuard(t *testing.T) {
	g := Guard{Allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/32")}}
	for _, c := range []struct {
		ip          string
		https, http bool
	}{
		{"8.8.8.8", true, false}, {"2606:4700::1111", true, false},
		{"10.1.2.3", true, true}, {"::ffff:10.1.2.3", true, true}, {"fd00:1::5", true, true},
		{"10.2.0.1", false, false}, {"172.16.0.1", false, false}, {"192.168.1.1", false, false}, {"127.0.0.1", false, false},
		{"0.0.0.0", false, false}, {"0.1.2.3", false, false}, {"169.254.169.254", false, false}, {"100.64.0.1", false, false},
		{"192.0.0.1", false, false}, {"198.18.0.1", false, false}, {"224.0.0.1", false, false}, {"255.255.255.255", false, false},
		{"240.0.0.1", false, false}, {"203.0.113.5", false, false},
		{"::1", false, false}, {"::", false, false}, {"fe80::1", false, false}, {"fe80::1%eth0", false, false}, {"fd00:2::1", false, false},
		{"ff02::1", false, false}, {"::ffff:127.0.0.1", false, false}, {"::127.0.0.1", false, false}, {"64:ff9b::7f00:1", false, false},
		{"2002:7f00:1::", false, false}, {"2001:db8::1", false, false}, {"fec0::1", false, false},
		{"64:ff9b:1::a00:1", false, false}, {"::ffff:0:10.0.0.1", false, false}, {"64:1::1", false, false}, {"4000::1", false, false},
	} {
		ip := netip.MustParseAddr(c.ip)
		if got := g.check(ip, true) == nil; got != c.https {
			t.Errorf("https to %s: %v", c.ip, got)
		}
		if got := g.check(ip, false) == nil; got != c.http {
			t.Errorf("http to %s: %v", c.ip, got)
		}
	}
}

func TestURL(t *testing.T) {
	g := &Guard{}
	for text, want := range map[string]bool{
		"https://example.org": true, "https://example.org:8443/a/b?c=d": true, "http://example.org/x": true, // refused when it is dialled, unless allowed
		"https://93.184.216.34/": true, "https://sqs.example.org/": true,
		"": false, "example.org": false, "ftp://example.org": false, "https://": false, "https:///x": false, "//example.org": false,
		"https://user:pass@example.org": false, "https://example.org/#x": false, "https://127.0.0.1/": false, "https://[::1]:80/": false,
		"http://93.184.216.34/": false, "https://169.254.169.254/latest/meta-data": false,
		"arn:aws:sqs:eu-central-1:123456789012:queue":                          false,
		"https://sqs.eu-central-1.amazonaws.com/123456789012/queue":            false,
		"https://SNS.us-east-1.amazonaws.com/":                                 false,
		"https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/f/invoke": false,
	} {
		u, err := parseURL(text)
		if err == nil {
			err = g.checkLiteral(u)
		}
		if (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%q: code %s", text, errs.CodeOf(err))
		}
	}
}

// What is told of a failure names neither the URL nor an address of the private network.
func TestReadable(t *testing.T) {
	local := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 1234}
	for want, err := range map[string]error{
		"no answer within 1s": context.DeadlineExceeded,
		"read: broken":        &net.OpError{Op: "read", Net: "tcp", Source: local, Addr: local, Err: errors.New("broken")},
		"the name of the host cannot be looked up: no such host": &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "secret", Server: "10.0.0.2:53"}},
		"odd": errors.New("odd"),
	} {
		if got := readable(&url.Error{Op: "Post", URL: "https://example.org/?secret", Err: err}, time.Second).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := (&Guard{}).check(netip.MustParseAddr("10.0.0.5"), true); strings.Contains(err.Error(), "10.0.0.5") {
		t.Error(err)
	}
}
