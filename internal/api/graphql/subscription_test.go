package graphql

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"carillon/internal/events"
	"carillon/internal/meetings"
)

func TestSubscriptions(t *testing.T) {
	w := newWorld(t)
	url := w.listen()
	alice, bob := connect(t, url, aliceToken), connect(t, url, bobToken)
	alice.subscribe("1", `subscription { onCreateMeeting `+allFields+` }`)
	alice.subscribe("2", `subscription { gone: onDeleteMeeting(owner: "a1") { id title } }`)
	bob.subscribe("1", `subscription { onUpdateMeeting { meetingId } }`)
	w.waitForSubscriptions(3)

	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w.emit(events.MeetingCreated, meetings.Meeting{ID: "m1", Title: "Weekly", OwnerID: "b1", CreatedAt: at, UpdatedAt: at})
	w.emit(events.MeetingUpdated, meetings.Meeting{ID: "m1", ConferenceID: "c1"})
	w.emit(events.MeetingDeleted, meetings.Meeting{ID: "m1", Title: "Weekly", OwnerID: "b1"})
	w.emit(events.MeetingDeleted, meetings.Meeting{ID: "m2", Title: "Mine", OwnerID: "a1"})

	// Each subscription keeps its order; between two there is none.
	got := map[string]string{}
	for range 2 {
		f, err := alice.read()
		if err != nil {
			t.Fatal(err)
		}
		got[f.Type+" "+f.ID] = string(f.Payload)
	}
	want := map[string]string{
		"next 1": `{"data":{"onCreateMeeting":{"id":"m1","meetingId":"","title":"Weekly","description":"","createdAt":"2026-01-02T03:04:05.000Z","updatedAt":"2026-01-02T03:04:05.000Z","owner":"b1"}}}`,
		"next 2": `{"data":{"gone":{"id":"m2","title":"Mine"}}}`,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	bob.expect("next", "1", `{"data":{"onUpdateMeeting":{"meetingId":"c1"}}}`)

	alice.send(frame{Type: "complete", ID: "1"})
	alice.expect("complete", "1", "")
	w.waitFor("unsubscribing", func() bool { return w.operationsRunning() == 2 })
	w.emit(events.MeetingCreated, meetings.Meeting{ID: "m3"})
	w.emit(events.MeetingDeleted, meetings.Meeting{ID: "m4", OwnerID: "a1"})
	alice.expect("next", "2", `{"data":{"gone":{"id":"m4","title":""}}}`)

	alice.conn.Close(websocket.StatusNormalClosure, "")
	w.waitFor("closing", func() bool { return w.socketCount() == 1 && w.operationsRunning() == 1 })
}

func TestSocketOperations(t *testing.T) {
	w := newWorld(t)
	c := connect(t, w.listen(), aliceToken)
	c.subscribe("q", `{ me { name } }`)
	c.expect("next", "q", `{"data":{"me":{"name":"Alice"}}}`)
	c.expect("complete", "q", "")
	c.subscribe("j", `mutation { joinMeeting(id: "m1") { meeting } }`)
	if f, err := c.read(); err != nil || !strings.Contains(string(f.Payload), `"SignalingUrl":"ws://127.0.0.1:`) {
		t.Errorf("the request of the upgrade is not behind the placement: %s %v", f.Payload, err)
	}
	c.expect("complete", "j", "")
	c.subscribe("x", `{ nothing }`)
	if f, err := c.read(); err != nil || f.Type != "error" || !strings.Contains(string(f.Payload), `"code":"INVALID"`) {
		t.Errorf("got %s %s %v", f.Type, f.Payload, err)
	}
	c.expect("complete", "x", "")
	c.send(frame{Type: "ping"})
	c.expect("pong", "", "")
	w.waitFor("ending of the operations", func() bool { return w.operationsRunning() == 0 })
}

func TestPanicOnSocketStaysInside(t *testing.T) {
	w := newWorld(t)
	w.meetings.panics = true
	c := connect(t, w.listen(), aliceToken)
	c.subscribe("1", `{ getMeeting(id: "m") { id } }`)
	f, err := c.read()
	if err != nil || strings.Contains(string(f.Payload), "secret") || !strings.Contains(string(f.Payload), `"code":"INTERNAL"`) {
		t.Errorf("got %s %v", f.Payload, err)
	}
	c.expect("complete", "1", "")
	// This makes the library itself panic, outside of any resolver.
	c.subscribe("2", `query Q($s: Boolean = false) { me @skip(if: $s) { id } }`)
	c.expect("next", "2", `{"data":{"me":{"id":"a1"}}}`)
	c.expect("complete", "2", "")
	c.send(frame{Type: "subscribe", ID: "3", Payload: []byte(`{"query":"query Q($s: Boolean = false) { me @skip(if: $s) { id } }","variables":{"s":null}}`)})
	if f, err := c.read(); err != nil || f.Type != "error" || strings.Contains(string(f.Payload), "panic") || strings.Contains(string(f.Payload), "goroutine") {
		t.Errorf("got %s %s %v", f.Type, f.Payload, err)
	}
	w.waitFor("ending of the operations", func() bool { return w.operationsRunning() == 0 })
}

func TestUpgradeRefused(t *testing.T) {
	tests := []struct {
		name    string
		token   string
		headers []string
		status  int // of the upgrade; 101 = accepted, then closed with code
		code    websocket.StatusCode
	}{
		{"another site", aliceToken, []string{"Origin", "https://evil.example"}, 403, 0},
		{"null origin", aliceToken, []string{"Origin", "null"}, 403, 0},
		{"public address over http", aliceToken, []string{"Origin", "http://meet.example.org"}, 403, 0},
		{"signed out", "", nil, 101, 4401},
		{"old session", "stolen", nil, 101, 4401},
		{"old subprotocol", aliceToken, []string{"Sec-WebSocket-Protocol", "graphql-ws"}, 101, 4406},
		{"no subprotocol", aliceToken, []string{"Sec-WebSocket-Protocol", ""}, 101, 4406},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			conn, res, err := dial(t, w.listen(), tt.token, tt.headers...)
			if res == nil || res.StatusCode != tt.status {
				t.Fatalf("got %v %v, want status %d", res, err, tt.status)
			}
			if tt.status == http.StatusSwitchingProtocols {
				(&client{t, conn}).expectClose(tt.code)
			}
		})
	}
}

func TestUpgradeFromOwnPages(t *testing.T) {
	w := newWorld(t)
	url := w.listen()
	for _, origin := range []string{url, "https://meet.example.org"} {
		conn, _, err := dial(t, url, aliceToken, "Origin", origin)
		if err != nil {
			t.Fatalf("%s: %v", origin, err)
		}
		conn.CloseNow()
	}
}

func TestSignOutEndsSocket(t *testing.T) {
	t.Run("while it waits", func(t *testing.T) {
		w := newWorld(t)
		w.sessionCheck = 10 * time.Millisecond
		url := w.listen()
		alice, bob := connect(t, url, aliceToken), connect(t, url, bobToken)
		alice.subscribe("1", `subscription { onCreateMeeting { id } }`)
		bob.subscribe("1", `subscription { onCreateMeeting { id } }`)
		w.waitForSubscriptions(2)
		w.accounts.signOut(aliceToken)
		alice.expectClose(4401)
		w.waitFor("forgetting the socket", func() bool { return w.socketCount() == 1 })
		w.emit(events.MeetingCreated, meetings.Meeting{ID: "m1"})
		bob.expect("next", "1", `{"data":{"onCreateMeeting":{"id":"m1"}}}`)
	})
	t.Run("with its next operation", func(t *testing.T) {
		w := newWorld(t) // the check every 25 seconds is too late for this
		alice := connect(t, w.listen(), aliceToken)
		w.accounts.signOut(aliceToken)
		alice.subscribe("1", `mutation { deleteMeeting(input: {id: "m1"}) { id } }`)
		alice.expectClose(4401)
		if w.meetings.actor.AccountID != "" {
			t.Error("the operation was executed")
		}
	})
	if sessionCheckInterval+pingTimeout > time.Minute {
		t.Error("a signed-out session's socket may live for more than a minute")
	}
}

func TestOperationsPerSocketAreLimited(t *testing.T) {
	w := newWorld(t)
	c := connect(t, w.listen(), aliceToken)
	for i := range maxOperations {
		c.subscribe(fmt.Sprint(i), `subscription { onCreateMeeting { id } }`)
	}
	c.subscribe("extra", `subscription { onCreateMeeting { id } }`)
	if f, err := c.read(); err != nil || f.ID != "extra" || !strings.Contains(string(f.Payload), `"code":"LIMIT_EXCEEDED"`) {
		t.Fatalf("got %q %s %v", f.ID, f.Payload, err)
	}
	c.expect("complete", "extra", "")
	c.send(frame{Type: "complete", ID: "7"})
	c.expect("complete", "7", "")
	w.waitFor("ending of a subscription", func() bool { return w.operationsRunning() == maxOperations-1 })
	c.settle()
}

func TestSocketsPerAccountAreLimited(t *testing.T) {
	w := newWorld(t)
	url := w.listen()
	for range maxSockets {
		connect(t, url, aliceToken)
	}
	conn, _, err := dial(t, url, aliceToken)
	if err != nil {
		t.Fatal(err)
	}
	(&client{t, conn}).expectClose(4429)
	connect(t, url, bobToken).settle()
}

// A subscriber that does not read loses its connection; others do not notice.
func TestSlowSubscriber(t *testing.T) {
	w := newWorld(t)
	w.writeTimeout = time.Second
	url := w.listen()
	slow, quick := connect(t, url, aliceToken), connect(t, url, bobToken)
	slow.subscribe("1", `subscription { onUpdateMeeting { id description } }`)
	quick.subscribe("1", `subscription { onCreateMeeting { id } }`)
	w.waitForSubscriptions(2)
	// More than the buffers of both ends of the connection hold, in batches below the size of the queue of
	// a subscriber that does read.
	large := meetings.Meeting{ID: "m", Description: strings.Repeat("x", 64<<10)}
	for range 10 {
		for range 100 {
			w.emit(events.MeetingUpdated, large)
		}
		w.emit(events.MeetingCreated, meetings.Meeting{ID: "small"})
		quick.expect("next", "1", `{"data":{"onCreateMeeting":{"id":"small"}}}`)
	}
	w.waitFor("dropping the slow subscriber", func() bool { return w.socketCount() == 1 })
	quick.settle()
}

func TestClose(t *testing.T) {
	w := newWorld(t)
	url := w.listen()
	c := connect(t, url, aliceToken)
	c.subscribe("1", `subscription { onCreateMeeting { id } }`)
	w.meetings.block = make(chan struct{})
	c.subscribe("2", `{ getMeeting(id: "m") { id } }`)
	w.waitFor("starting", func() bool { return w.operationsRunning() == 2 })
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		w.Close()
	}()
	c.expectClose(websocket.StatusGoingAway)
	<-closed
	if n := w.socketCount(); n != 0 {
		t.Errorf("%d sockets are left", n)
	}
	conn, _, err := dial(t, url, aliceToken)
	if err != nil {
		t.Fatal(err)
	}
	(&client{t, conn}).expectClose(websocket.StatusGoingAway)
}

func TestFeedEndsSubscriptions(t *testing.T) {
	w := newWorld(t)
	c := connect(t, w.listen(), aliceToken)
	c.subscribe("1", `subscription { onCreateMeeting { id } }`)
	w.waitForSubscriptions(1)
	w.feed.Close()
	c.expectClose(websocket.StatusTryAgainLater)
}

func TestHostileMessages(t *testing.T) {
	for name, messages := range map[string][]string{
		"not JSON":               {"hello"},
		"unknown type":           {`{"type":"connection_init"}`, `{"type":"shutdown"}`},
		"no greeting":            {`{"type":"subscribe","id":"1","payload":{"query":"{ me { id } }"}}`},
		"greeting again":         {`{"type":"connection_init"}`, `{"type":"connection_init"}`},
		"greeting of other type": {`{"type":"connection_init","payload":[1]}`},
		"too large":              {`{"type":"connection_init"}`, `{"type":"ping","payload":"` + strings.Repeat("x", maxBody) + `"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			conn, _, err := dial(t, w.listen(), aliceToken)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				conn.Write(t.Context(), websocket.MessageText, []byte(m))
			}
			for err == nil { // until the server has closed the connection
				_, err = (&client{t, conn}).read()
			}
			w.waitFor("ending of the socket", func() bool { return w.socketCount() == 0 })
		})
	}
}
