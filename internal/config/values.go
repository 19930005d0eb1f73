package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func address(v string) error {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return fmt.Errorf("%q is not host:port", v)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q is not a port number", port)
	}
	return nil
}

// optional checks a value that may be empty.
func optional(v string, check func(string) error) error {
	if v == "" {
		return nil
	}
	return check(v)
}

// setTURNHost takes a host without a port, because the ports are those of the relay.
func setTURNHost(c *Config, v string) error {
	c.TURN.Host = v
	if _, err := netip.ParseAddr(strings.Trim(v, "[]")); v == "" || err == nil {
		return nil
	}
	if strings.ContainsAny(v, ":/?#@[] ") {
		return fmt.Errorf("%q is not a host name or an IP address", v)
	}
	return nil
}

func notEmpty(v string) error {
	if v == "" {
		return errors.New("must not be empty")
	}
	return nil
}

func oneOf(v string, allowed ...string) error {
	if !slices.Contains(allowed, v) {
		return fmt.Errorf("%q is not one of %s", v, strings.Join(allowed, ", "))
	}
	return nil
}

func setPublicIPs(c *Config, v string) error {
	c.PublicIPs = nil
	if v == "" {
		return nil
	}
	for part := range strings.SplitSeq(v, ",") {
		ip, err := netip.ParseAddr(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("%q is not an IP address", part)
		}
		c.PublicIPs = append(c.PublicIPs, ip)
	}
	return nil
}

func setWebhookNetworks(c *Config, v string) error {
	c.WebhookNetworks = nil
	if v == "" {
		return nil
	}
	for part := range strings.SplitSeq(v, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return fmt.Errorf("%q is not a network such as 10.0.0.0/8 or fd00::/8", part)
		}
		c.WebhookNetworks = append(c.WebhookNetworks, network.Masked())
	}
	return nil
}

func setPublicURL(c *Config, v string) error {
	c.PublicURL = nil
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("%q is not an http:// or https:// address", v)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%q must be scheme and host only", v)
	}
	c.PublicURL = &url.URL{Scheme: u.Scheme, Host: u.Host}
	return nil
}

// setSMTP does not repeat the value in its errors: it holds a password.
func setSMTP(c *Config, v string) error {
	c.SMTP = nil
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
		return errors.New("is not an smtp:// or smtps:// address")
	}
	c.SMTP = u
	return nil
}

func setReadyFD(c *Config, v string) error {
	fd, err := strconv.Atoi(v)
	if err != nil || fd < 0 {
		return fmt.Errorf("%q is not a file descriptor", v)
	}
	c.ReadyFD = fd
	return nil
}
