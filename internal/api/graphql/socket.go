package graphql

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
)

const (
	maxOperations = 100 // at a time on one socket; old clients never end their subscriptions
	initTimeout   = 10 * time.Second
	writeTimeout  = 10 * time.Second // a peer that takes no data for so long is given up
	pingTimeout   = 10 * time.Second
	closeGrace    = 2 * time.Second
	// Below the idle limits of common proxies, and such that a signed-out session's socket is gone within
	// a minute.
	sessionCheckInterval = 25 * time.Second
)

// ending is why the server closes a socket. Codes from 4400 on are those of the graphql-transport-ws
// protocol; clients do not connect again after one of them.
type ending struct {
	code   websocket.StatusCode
	reason string
}

// tell ends a connection that is not served.
func (e ending) tell(conn *websocket.Conn) { _ = conn.Close(e.code, e.reason) }

var (
	closeGoingAway    = ending{websocket.StatusGoingAway, "The server is stopping"}
	closeTryAgain     = ending{websocket.StatusTryAgainLater, "Too slow"}
	closeUnauthorized = ending{4401, "Unauthorized"}
	closeSubprotocol  = ending{4406, "Subprotocol not acceptable"}
	closeTooMany      = ending{4429, "Too many connections"}
)

// socket is one accepted WebSocket. It is the WebsocketConn that gqlgen's transport reads and writes: one
// goroutine reads, writes are serialized by the transport, and the rest may be called by anybody.
type socket struct {
	// constant
	conn     *websocket.Conn
	account  string             // id of the account it belongs to
	patience time.Duration      // with a peer that takes no data
	cancel   context.CancelFunc // ends every operation, after which the transport closes the socket

	tasks      sync.WaitGroup // operations and their goroutines
	operations atomic.Int32
	ending     atomic.Pointer[ending] // set once by stop
}

var _ transport.WebsocketConn = (*socket)(nil)

// begin takes a place for an operation, unless all are taken. end gives it back.
func (c *socket) begin() bool {
	if c.operations.Add(1) > maxOperations {
		c.operations.Add(-1)
		return false
	}
	c.tasks.Add(1)
	return true
}

func (c *socket) end() {
	c.operations.Add(-1)
	c.tasks.Done()
}

// stop closes the socket for the given reason; the first reason wins. It does not wait. A peer that takes
// no data, or does not answer the closing handshake, is cut off after closeGrace.
func (c *socket) stop(why ending) {
	if c.ending.CompareAndSwap(nil, &why) {
		time.AfterFunc(closeGrace, func() { _ = c.Close() })
		c.cancel()
	}
}

// NextReader returns the next message.
func (c *socket) NextReader() (int, io.Reader, error) {
	kind, data, err := c.conn.Read(context.Background()) // ended by closing: a cancelled read could not send a close code
	if err != nil {
		// However the connection ended, there is nobody to tell.
		return 0, nil, errors.Join(transport.ErrWebsocketClosed, err)
	}
	return int(kind), bytes.NewReader(data), nil
}

// WriteJSON sends a message. A peer that does not take it in time is disconnected.
func (c *socket) WriteJSON(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.patience)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, data)
}

// WriteClose ends the connection with our own reason when there is one: the transport knows only that
// its context ended.
func (c *socket) WriteClose(code int, reason string) error {
	if why := c.ending.Load(); why != nil {
		return c.conn.Close(why.code, why.reason)
	}
	return c.conn.Close(websocket.StatusCode(code), reason)
}

// Close drops the connection if it is still there.
func (c *socket) Close() error { return c.conn.CloseNow() }

// Subprotocol is the negotiated one.
func (c *socket) Subprotocol() string { return c.conn.Subprotocol() }

// SetReadLimit bounds a message, in bytes; a longer one ends the connection.
func (c *socket) SetReadLimit(limit int64) { c.conn.SetReadLimit(limit) }

// acceptedSocket gives gqlgen's transport the socket that serveSocket has accepted before.
type acceptedSocket struct{}

func (acceptedSocket) Accept(_ http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	if c := callerOf(r.Context()).socket; c != nil {
		return c, nil
	}
	return nil, errors.New("no socket was accepted")
}
