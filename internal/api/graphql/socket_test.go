package graphql

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; it is only reached when something is broken.
const patience = 20 * time.Second

// client is a graphql-transport-ws client.
type client struct {
	t    *testing.T
	conn *websocket.Conn
}

type frame struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// listen serves w over TCP.
func (w *world) listen() string {
	server := httptest.NewServer(w)
	w.t.Cleanup(server.Close)
	return server.URL
}

func dial(t *testing.T, url, token string, headers ...string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	header := http.Header{}
	if token != "" {
		header.Set("Cookie", "session="+token)
	}
	protocols := []string{"graphql-transport-ws"}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Sec-WebSocket-Protocol" {
			protocols = strings.Fields(headers[i+1])
			continue
		}
		header.Set(headers[i], headers[i+1])
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPHeader: header, Subprotocols: protocols})
	if conn != nil {
		t.Cleanup(func() { conn.CloseNow() })
	}
	return conn, res, err
}

// connect opens a socket and greets.
func connect(t *testing.T, url, token string) *client {
	t.Helper()
	conn, _, err := dial(t, url, token)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t, conn}
	c.send(frame{Type: "connection_init"})
	c.expect("connection_ack", "", "")
	return c
}

func (c *client) send(f frame) {
	c.t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageText, data); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) subscribe(id, query string) {
	c.t.Helper()
	payload, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(frame{Type: "subscribe", ID: id, Payload: payload})
}

func (c *client) read() (frame, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, data, err := c.conn.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	return f, json.Unmarshal(data, &f)
}

func (c *client) expect(kind, id, payload string) {
	c.t.Helper()
	f, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", kind, err)
	}
	if f.Type != kind || f.ID != id || string(f.Payload) != payload {
		c.t.Fatalf("got %s %q %s, want %s %q %s", f.Type, f.ID, f.Payload, kind, id, payload)
	}
}

// expectClose reads until the server closes the connection and compares the code.
func (c *client) expectClose(code websocket.StatusCode) {
	c.t.Helper()
	for {
		if _, err := c.read(); err != nil {
			if got := websocket.CloseStatus(err); got != code {
				c.t.Fatalf("closed with %d (%v), want %d", got, err, code)
			}
			return
		}
	}
}

// settle waits until the socket's earlier messages were handled: messages are handled in order, and an
// operation's answer comes after those before it have started.
func (c *client) settle() {
	c.t.Helper()
	c.subscribe("settle", `{ __typename }`)
	c.expect("next", "settle", `{"data":{"__typename":"Query"}}`)
	c.expect("complete", "settle", "")
}

func (w *world) waitFor(what string, ready func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s did not happen", what)
		}
	}
}

func (w *world) socketCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sockets)
}

// operationsRunning counts the operations of all sockets.
func (w *world) operationsRunning() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.sockets {
		n += int(c.operations.Load())
	}
	return n
}

// waitForSubscriptions returns when n subscriptions have been made since the beginning.
func (w *world) waitForSubscriptions(n int32) {
	w.t.Helper()
	w.waitFor("subscribing", func() bool { return w.feed.subscribed.Load() == n })
}
