package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"carillon/internal/rooms"
	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

const (
	maxQueued  = 1024 // frames that wait for a slow client before it is cut off
	frameRate  = 300  // frames a client may send each second: more than the data messages that it may,
	frameBurst = 2500 // and at once
	badFrame   = 5    // frames that a malformed one counts as: it is answered, for want of a better sign
)

// session is one WebSocket. The reader goroutine owns everything not guarded by mu.
type session struct {
	server       *Server
	socket       *websocket.Conn
	log          *slog.Logger
	conferenceID string
	token        string
	content      bool

	participant *rooms.Participant // set by JOIN
	relay       relayUse
	sdp         frame.SDPCodec
	compress    bool // answers go out compressed
	limiter     *rate.Limiter
	cancel      context.CancelFunc

	mu     sync.Mutex
	queue  [][]byte
	ending *ending       // the writer closes the socket once the queue is empty
	wake   chan struct{} // buffered, 1
}

// ending is how a socket is to be closed.
type ending struct {
	code   websocket.StatusCode
	reason string
	wait   time.Duration // for the client to say LEAVE first
}

func newSession(s *Server, socket *websocket.Conn, conferenceID, token string, content bool) *session {
	return &session{
		server: s, socket: socket, conferenceID: conferenceID, token: token, content: content,
		log:     s.cfg.Logger.With("conference", conferenceID),
		limiter: rate.NewLimiter(frameRate, frameBurst),
		wake:    make(chan struct{}, 1),
	}
}

// run reads frames until the socket closes, then leaves the room.
func (s *session) run(ctx context.Context, stranger bool) {
	ctx, s.cancel = context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { s.write(ctx) })
	timeout := joinTimeout
	if stranger {
		timeout = strangerTimeout
	}
	closing := context.AfterFunc(s.server.closing, func() { s.end(ending{code: closeRetry, reason: "come again"}) })
	defer closing()
	patience := time.AfterFunc(timeout, func() { s.end(ending{code: closeForbidden, reason: "no JOIN"}) })
	err := s.read(ctx, patience)
	patience.Stop()
	s.leaveRelay(time.Now())
	s.left(err)
	s.cancel()
	writer.Wait()
	s.socket.CloseNow()
}

// read handles frames one after the other. It returns why it stopped.
func (s *session) read(ctx context.Context, patience *time.Timer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in a signaling session", "panic", p, "stack", string(debug.Stack()))
			s.socket.Close(closeRetry, "internal error")
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	for {
		kind, message, err := s.socket.Read(ctx)
		if err != nil {
			return err
		}
		f, err := frame.Decode(message)
		bad := kind != websocket.MessageBinary || err != nil
		cost := 1
		if bad {
			cost = badFrame
		}
		if !s.limiter.AllowN(time.Now(), cost) {
			s.server.complain("too many signaling frames", "conference", s.conferenceID)
			s.socket.Close(websocket.StatusPolicyViolation, "too many frames")
			return errors.New("too many frames")
		}
		if bad {
			s.server.complain("malformed signaling frame", "conference", s.conferenceID, "reason", err)
			s.refuse(0, statusBadRequest, "malformed frame")
			continue
		}
		if f.GetType() == signalpb.SdkSignalFrame_JOIN {
			patience.Stop()
		}
		s.handle(ctx, f)
	}
}

// handle dispatches one frame.
func (s *session) handle(ctx context.Context, f *signalpb.SdkSignalFrame) {
	switch f.GetType() {
	case signalpb.SdkSignalFrame_PING_PONG:
		s.handlePing(f.GetPingPong())
		return
	case signalpb.SdkSignalFrame_JOIN:
		s.handleJoin(ctx, f.GetJoin())
		return
	case signalpb.SdkSignalFrame_LEAVE:
		s.handleLeave()
		return
	}
	if s.participant == nil {
		s.refuse(f.GetType(), statusBadRequest, "JOIN comes first")
		return
	}
	switch f.GetType() {
	case signalpb.SdkSignalFrame_SUBSCRIBE:
		s.handleSubscribe(f.GetSub())
	case signalpb.SdkSignalFrame_AUDIO_CONTROL:
		s.participant.SetMuted(f.GetAudioControl().GetMuted())
	case signalpb.SdkSignalFrame_PAUSE:
		s.participant.SetPaused(f.GetPause().GetStreamIds(), true)
	case signalpb.SdkSignalFrame_RESUME:
		s.participant.SetPaused(f.GetPause().GetStreamIds(), false)
	case signalpb.SdkSignalFrame_DATA_MESSAGE:
		s.handleMessage(f.GetDataMessage())
	case signalpb.SdkSignalFrame_REMOTE_VIDEO_UPDATE:
		s.handleVideoUpdate(f.GetRemoteVideoUpdate())
	case signalpb.SdkSignalFrame_PRIMARY_MEETING_JOIN:
		s.handlePromotion()
	}
	// Everything else (metrics, timing, types of later clients) asks for no answer.
}

// left takes the participant out of the room in the way the socket ended: a clean close is a leave,
// anything else may be a bad network, and the client may come back. So may one that we sent away to come
// again, however it closes, except that GoingAway is always a page that was closed.
func (s *session) left(err error) {
	if s.participant == nil {
		return
	}
	clean := false
	switch websocket.CloseStatus(err) {
	case websocket.StatusGoingAway:
		clean = true
	case websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd:
		s.mu.Lock()
		clean = s.ending == nil || s.ending.code != closeRetry
		s.mu.Unlock()
	}
	if clean {
		s.participant.Leave()
	} else {
		s.participant.Drop()
	}
}

// send queues a frame. It never blocks; a client that does not read is cut off.
func (s *session) send(f *signalpb.SdkSignalFrame) {
	now := uint64(time.Now().UnixMilli())
	f.TimestampMs = &now
	message, err := frame.Encode(f)
	if err != nil {
		s.log.Error("cannot encode a signaling frame", "type", f.GetType(), "reason", err)
		return
	}
	s.mu.Lock()
	full := len(s.queue) >= maxQueued
	if !full {
		s.queue = append(s.queue, message)
	}
	s.mu.Unlock()
	if full {
		s.server.complain("signaling client does not read", "conference", s.conferenceID)
		s.cancel()
		return
	}
	s.poke()
}

// end makes the writer close the socket after what is queued. The first caller decides how.
func (s *session) end(e ending) {
	s.mu.Lock()
	if s.ending == nil {
		s.ending = &e
	}
	s.mu.Unlock()
	s.poke()
}

func (s *session) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write sends queued frames and WebSocket pings until ctx ends. A socket that fails is closed, which
// ends the reader.
func (s *session) write(ctx context.Context) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	var deadline <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-deadline:
			s.close()
			return
		case <-ping.C:
			if s.bounded(ctx, func(ctx context.Context) error { return s.socket.Ping(ctx) }) != nil {
				s.socket.CloseNow()
				return
			}
		case <-s.wake:
			queue, ending := s.take()
			for _, message := range queue {
				if s.bounded(ctx, func(ctx context.Context) error { return s.socket.Write(ctx, websocket.MessageBinary, message) }) != nil {
					s.socket.CloseNow()
					return
				}
			}
			if ending != nil && deadline == nil {
				deadline = time.After(ending.wait)
			}
		}
	}
}

// bounded runs a socket operation that a dead client must not be able to hold up.
func (s *session) bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, pingEvery)
	defer cancel()
	return f(ctx)
}

// take returns what there is to send and, if the socket is to be closed after that, how. Both are taken at
// once: a frame that was queued before the ending never stays behind.
func (s *session) take() ([][]byte, *ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queue
	s.queue = nil
	return q, s.ending
}

func (s *session) close() {
	_, e := s.take()
	s.socket.Close(e.code, e.reason)
}
