package httpserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"

	"carillon/internal/ids"
)

// WithJSONRefusals makes JSON of what net/http answers by itself, before any handler is asked: to requests
// that it cannot read, it sends a line of plain text, which some client libraries take for a broken
// connection and try again.
func WithJSONRefusals(l net.Listener) net.Listener { return refusals{l} }

type refusals struct{ net.Listener }

func (l refusals) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &refusingConn{Conn: c}, nil
}

type refusingConn struct{ net.Conn }

// CloseWrite lets net/http end a connection without a reset that would overtake the refusal.
func (c *refusingConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// ownHeaders are the headers of net/http's own refusals. Answers of handlers have a Date among theirs.
const ownHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"

// Write replaces a refusal, which comes in one piece.
func (c *refusingConn) Write(p []byte) (int, error) {
	if !bytes.HasPrefix(p, []byte("HTTP/1.1 ")) { // most writes, those of WebSockets among them
		return c.Conn.Write(p)
	}
	status, _, ok := bytes.Cut(p, []byte(ownHeaders))
	if !ok || bytes.ContainsAny(status, "\r\n") {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(refusal(string(status))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// refusal has the form that both this server's own clients and those of the meetings API read.
func refusal(status string) []byte {
	const name, message = "SerializationException", "The request cannot be read."
	body, err := json.Marshal(map[string]any{
		"__type": name, "message": message,
		"error": map[string]string{"code": "INVALID", "message": message},
	})
	if err != nil { // a map of strings
		panic(err)
	}
	return fmt.Appendf(nil, "%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-Amzn-Errortype: %s\r\nX-Amzn-Requestid: %s\r\nConnection: close\r\n\r\n%s",
		status, len(body), name, ids.New(), body)
}
