package mail

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"

	"carillon/internal/errs"
)

// mailServer is the part of RFC 5321 that a submission needs.
type mailServer struct {
	listener net.Listener
	tls      *tls.Config // nil = no STARTTLS
	refuse   bool        // refuses every recipient
	lines    chan []string
}

func startServer(t *testing.T, s *mailServer) *mailServer {
	t.Helper()
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.lines = make(chan []string, 1)
	go func() {
		conn, err := s.listener.Accept()
		if err != nil {
			close(s.lines)
			return
		}
		defer conn.Close()
		s.lines <- s.talk(conn)
	}()
	t.Cleanup(func() { s.listener.Close() })
	return s
}

func (s *mailServer) addr() string { return s.listener.Addr().String() }

// talk returns the lines that the client has sent.
func (s *mailServer) talk(conn net.Conn) (said []string) {
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	answer := func(lines string) { fmt.Fprintf(conn, "%s\r\n", lines) }
	answer("220 test")
	secure := false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return said
		}
		line = strings.TrimRight(line, "\r\n")
		said = append(said, line)
		switch verb := strings.ToUpper(strings.SplitN(line, " ", 2)[0]); verb {
		case "EHLO":
			if s.tls != nil && !secure {
				answer("250-test\r\n250-8BITMIME\r\n250 STARTTLS")
			} else {
				answer("250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN")
			}
		case "STARTTLS":
			answer("220 go")
			conn = tls.Server(conn, s.tls)
			in, secure = bufio.NewReader(conn), true
		case "RCPT":
			if s.refuse {
				answer("550 no such user")
			} else {
				answer("250 ok")
			}
		case "AUTH":
			answer("235 ok")
		case "DATA":
			answer("354 go")
			for {
				line, err := in.ReadString('\n')
				if err != nil || line == ".\r\n" {
					break
				}
				said = append(said, strings.TrimRight(line, "\r\n"))
			}
			answer("250 ok")
		case "QUIT":
			answer("221 bye")
			return said
		default:
			answer("250 ok")
		}
	}
}

func has(lines []string, want string) bool {
	for _, l := range lines {
		if strings.Contains(l, want) {
			return true
		}
	}
	return false
}

func TestSend(t *testing.T) {
	server := startServer(t, &mailServer{})
	m, err := New("smtp://" + server.addr() + "?from=meet@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), "ann@example.org", "Your code: 123456", "Grüße\n\n123456\n"); err != nil {
		t.Fatal(err)
	}
	said := <-server.lines
	for _, want := range []string{"MAIL FROM:<meet@example.org>", "RCPT TO:<ann@example.org>", "Subject: Your code: 123456",
		"Auto-Submitted: auto-generated", "Message-ID: <", "Date: ", "Gr=C3=BC=C3=9Fe", "123456"} {
		if !has(said, want) {
			t.Errorf("%q is missing in %q", want, said)
		}
	}
}

func TestRefusedRecipient(t *testing.T) {
	server := startServer(t, &mailServer{refuse: true})
	m, err := New("smtp://" + server.addr() + "?from=meet@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), "ann@example.org", "s", "t"); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("error %v", err)
	}
}

func TestHeadersCannotBeInjected(t *testing.T) {
	m, err := New("smtp://localhost:1?from=meet@example.org")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"", "ann", "a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org"} {
		if err := m.Send(t.Context(), to, "s", "t"); errs.CodeOf(err) != errs.Invalid {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestServerAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	m, err := New("smtp://" + addr + "?from=meet@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), "ann@example.org", "s", "t"); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Send(ctx, "ann@example.org", "s", "t"); err == nil {
		t.Error("sent for a request that is gone")
	}
}

// TestPasswordNeedsEncryption: without STARTTLS, which an attacker on the way can take out of the greeting,
// neither password nor mail leaves.
func TestPasswordNeedsEncryption(t *testing.T) {
	server := startServer(t, &mailServer{})
	m := through(t, "smtp://user:secret@mail.example.org?from=meet@example.org", server)
	if err := m.Send(t.Context(), "ann@example.org", "s", "t"); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("error %v", err)
	}
	if said := <-server.lines; has(said, "AUTH") || has(said, "RCPT") {
		t.Errorf("said in the clear: %q", said)
	}
}

func TestStartTLS(t *testing.T) {
	cert, pool := certificate(t, "mail.example.org")
	server := startServer(t, &mailServer{tls: &tls.Config{Certificates: []tls.Certificate{cert}}})
	m := through(t, "smtp://user:secret@mail.example.org?from=meet@example.org", server)
	m.options = append(m.options, gomail.WithTLSConfig(&tls.Config{RootCAs: pool, ServerName: m.host}))
	if err := m.Send(t.Context(), "ann@example.org", "s", "t"); err != nil {
		t.Fatal(err)
	}
	said := <-server.lines
	if want := "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00user\x00secret")); !has(said, want) || !has(said, "STARTTLS") {
		t.Errorf("said %q", said)
	}
}

func TestUnknownCertificateIsRefused(t *testing.T) {
	cert, _ := certificate(t, "mail.example.org")
	server := startServer(t, &mailServer{tls: &tls.Config{Certificates: []tls.Certificate{cert}}})
	m := through(t, "smtp://user:secret@mail.example.org?from=meet@example.org", server)
	if err := m.Send(t.Context(), "ann@example.org", "s", "t"); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("error %v", err)
	}
}

// through makes a mailer for any host name whose connections go to the test server.
func through(t *testing.T, address string, s *mailServer) *Mailer {
	t.Helper()
	m, err := New(address)
	if err != nil {
		t.Fatal(err)
	}
	m.dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, s.addr())
	}
	return m
}

func certificate(t *testing.T, host string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestAddress(t *testing.T) {
	for _, address := range []string{"", "localhost:25", "http://x?from=a@b.org", "smtp://?from=a@b.org", "smtp://x", "smtp://x?from=me",
		"smtp://user:se%zzcret@x", "smtp://x:99999?from=a@b.org"} {
		_, err := New(address)
		if err == nil {
			t.Errorf("%q was accepted", address)
		} else if strings.Contains(err.Error(), "cret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	for address, from := range map[string]string{
		"smtp://x?from=a@b.org":             "a@b.org",
		"smtps://u%40b.org:p@x":             "u@b.org",
		"smtp://u:p@x:25?from=Me <a@b.org>": "Me <a@b.org>",
	} {
		m, err := New(address)
		if err != nil || m.from != from {
			t.Errorf("%q: %v %+v", address, err, m)
		}
	}
}
