// Package mail sends plain texts through a mail server.
package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"carillon/internal/errs"
)

// How long handing over one mail may take.
const timeout = 20 * time.Second

const (
	submissionPort  = 587 // RFC 6409
	submissionsPort = 465 // RFC 8314
)

// Mailer sends mail. Its methods are safe for use by several goroutines.
type Mailer struct {
	host    string
	options []gomail.Option
	from    string
	dial    func(ctx context.Context, network, addr string) (net.Conn, error) // nil = the client's own
}

// New makes a mailer for a mail server, given as
//
//	smtp://user:password@mail.example.org:587?from=meetings@example.org
//
// With smtp the connection is made secure by STARTTLS, which the server has to offer unless it is on this
// machine or the address says starttls=optional; with smtps it is secure from the start (port 465). User and
// password may be left out. Without "from" the user is the sender, if it is an address.
func New(address string) (*Mailer, error) {
	u, err := url.Parse(address)
	if err != nil {
		// The error of url.Parse repeats the address, and with it the password.
		return nil, errs.Field("smtpUrl", "The address of the mail server cannot be read.")
	}
	if u.Hostname() == "" {
		return nil, errs.Field("smtpUrl", "The address of the mail server has no host.")
	}
	m := &Mailer{host: u.Hostname(), from: u.Query().Get("from")}
	if m.from == "" {
		m.from = u.User.Username()
	}
	if _, err := mail.ParseAddress(m.from); err != nil {
		return nil, errs.Field("smtpUrl", "The address of the mail server needs ?from= and the sender's e-mail address.")
	}
	security, err := security(u)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "smtp" {
		m.dial = (&net.Dialer{}).DialContext
	}
	m.options = append(security, gomail.WithTimeout(timeout))
	if password, ok := u.User.Password(); ok {
		m.options = append(m.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(m.host, m.options...); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return m, nil
}

// security returns the options for port and encryption.
func security(u *url.URL) ([]gomail.Option, error) {
	port, policy := submissionPort, gomail.TLSMandatory
	var options []gomail.Option
	switch u.Scheme {
	case "smtp":
		if isLocal(u.Hostname()) || u.Query().Get("starttls") == "optional" {
			policy = gomail.TLSOpportunistic
		}
		options = append(options, gomail.WithTLSPolicy(policy))
	case "smtps":
		port = submissionsPort
		options = append(options, gomail.WithSSL())
	default:
		return nil, errs.Field("smtpUrl", "The address of the mail server has to start with smtp:// or smtps://.")
	}
	if p := u.Port(); p != "" {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, errs.Field("smtpUrl", "The port of the mail server is not a number.")
		}
		port = n
	}
	return append(options, gomail.WithPort(port)), nil
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Send hands one mail to the server and returns when the server has taken it. The error is Unavailable when
// the server cannot be reached or refuses.
func (m *Mailer) Send(ctx context.Context, to, subject, text string) error {
	msg := gomail.NewMsg()
	err := errors.Join(msg.From(m.from), msg.To(to))
	if err != nil {
		return errs.Wrap(err, errs.Invalid, "This is not an e-mail address that mail can be sent to.")
	}
	msg.Subject(subject)
	msg.SetDate()
	msg.SetMessageID()
	// RFC 3834: nobody's holiday note is to answer this.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, text)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return errs.Wrap(m.deliver(ctx, msg), errs.Unavailable, "The mail could not be sent. Please try again later.")
}

// deliver makes a connection for one message. The client leaves the connection open when the server offers
// no encryption or refuses the password, so it is closed here; over smtps the client has to dial itself to
// know that it is encrypted, and the garbage collector closes what it leaves.
func (m *Mailer) deliver(ctx context.Context, msg *gomail.Msg) error {
	options := slices.Clone(m.options)
	if m.dial != nil {
		var conn net.Conn
		defer func() {
			if conn != nil {
				_ = conn.Close() // a good client has closed it already
			}
		}()
		options = append(options, gomail.WithDialContextFunc(func(ctx context.Context, network, addr string) (c net.Conn, err error) {
			conn, err = m.dial(ctx, network, addr)
			return conn, err
		}))
	}
	client, err := gomail.NewClient(m.host, options...)
	if err != nil {
		return err
	}
	return client.DialAndSendWithContext(ctx, msg)
}
