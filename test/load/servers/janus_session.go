package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"carillon/test/load/lean"
)

// janusSession is a session of Janus's API over a WebSocket.
type janusSession struct {
	socket *websocket.Conn
	id     int64
	stop   context.CancelFunc

	mu      sync.Mutex
	number  int
	waiting map[string]chan *janusEvent // by transaction
	handles map[int64]*janusHandle
}

// janusHandle is a plugin handle of a session.
type janusHandle struct {
	session *janusSession
	id      int64
	up      chan struct{} // closed when its connection stands
}

// janusEvent is what Janus sends.
type janusEvent struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Sender      int64  `json:"sender"`
	Data        struct {
		ID int64 `json:"id"`
	} `json:"data"`
	PluginData struct {
		Data json.RawMessage `json:"data"`
	} `json:"plugindata"`
	JSEP struct {
		SDP string `json:"sdp"`
	} `json:"jsep"`
	Error struct {
		Reason string `json:"reason"`
	} `json:"error"`
}

func (s *janus) open(ctx context.Context) (*janusSession, error) {
	socket, _, err := websocket.Dial(ctx, fmt.Sprintf("ws://127.0.0.1:%d", s.port), &websocket.DialOptions{Subprotocols: []string{"janus-protocol"}})
	if err != nil {
		return nil, err
	}
	socket.SetReadLimit(1 << 20)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	session := &janusSession{socket: socket, stop: stop, waiting: make(map[string]chan *janusEvent), handles: make(map[int64]*janusHandle)}
	go session.read(running)
	e, err := session.call(ctx, map[string]any{"janus": "create"})
	if err != nil {
		session.close()
		return nil, err
	}
	session.id = e.Data.ID
	go session.keep(running)
	return session, nil
}

// keep tells Janus every 20 s that we live; it forgets us after 60 s.
func (s *janusSession) keep(ctx context.Context) {
	ticker := time.NewTicker(20 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.send(ctx, map[string]any{"janus": "keepalive", "session_id": s.id, "transaction": "keepalive"})
		}
	}
}

func (s *janusSession) read(ctx context.Context) {
	for {
		_, message, err := s.socket.Read(ctx)
		if err != nil {
			return
		}
		var e janusEvent
		if json.Unmarshal(message, &e) != nil || e.Janus == "ack" {
			continue
		}
		s.mu.Lock()
		waiting := s.waiting[e.Transaction]
		delete(s.waiting, e.Transaction)
		if h := s.handles[e.Sender]; h != nil && e.Janus == "webrtcup" {
			close(h.up)
			delete(s.handles, e.Sender)
		}
		s.mu.Unlock()
		if waiting != nil {
			waiting <- &e
		}
	}
}

func (s *janusSession) send(ctx context.Context, in map[string]any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return s.socket.Write(ctx, websocket.MessageText, text)
}

// call sends a request and waits for its result.
func (s *janusSession) call(ctx context.Context, in map[string]any) (*janusEvent, error) {
	result := make(chan *janusEvent, 1)
	s.mu.Lock()
	s.number++
	transaction := fmt.Sprint("t", s.number)
	s.waiting[transaction] = result
	s.mu.Unlock()
	in["transaction"] = transaction
	if err := s.send(ctx, in); err != nil {
		return nil, err
	}
	select {
	case e := <-result:
		return e, e.failure()
	case <-ctx.Done():
		return nil, errTimeout
	}
}

func (s *janusSession) attach(ctx context.Context, plugin string) (*janusHandle, error) {
	e, err := s.call(ctx, map[string]any{"janus": "attach", "session_id": s.id, "plugin": plugin})
	if err != nil {
		return nil, err
	}
	h := &janusHandle{session: s, id: e.Data.ID, up: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handles[h.id] = h
	return h, nil
}

func (s *janusSession) close() {
	s.stop()
	s.socket.CloseNow()
}

// message sends something to the plugin, with a description if it is not empty.
func (h *janusHandle) message(ctx context.Context, body map[string]any, sdp string) (*janusEvent, error) {
	in := map[string]any{"janus": "message", "session_id": h.session.id, "handle_id": h.id, "body": body}
	if sdp != "" {
		kind := "offer"
		if body["request"] == "start" {
			kind = "answer"
		}
		in["jsep"] = map[string]any{"type": kind, "sdp": sdp, "trickle": false}
	}
	return h.session.call(ctx, in)
}

// negotiate is message with an offer, and reads the answer.
func (h *janusHandle) negotiate(ctx context.Context, body map[string]any, offer string) (*lean.Description, error) {
	e, err := h.message(ctx, body, offer)
	if err != nil {
		return nil, err
	}
	return lean.ParseDescription(e.JSEP.SDP)
}
