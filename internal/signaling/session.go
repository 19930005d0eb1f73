package signaling

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"carillon/internal/rooms"
	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

const (
	frameRate  = 300  // frames a client may send each second: more than the data messages that it may,
	frameBurst = 2500 // and at once
	badFrame   = 5    // frames that a malformed one counts as: it is answered, for want of a better sign
)

// session is one WebSocket. The reader goroutine owns everything but the outbox.
type session struct {
	server       *Server
	socket       *socket
	conferenceID string
	token        string
	content      bool
	stranger     bool // the token was not valid when the socket was opened

	attendeeID  string // with "#content" for a screen share; set by JOIN, as is
	participant *rooms.Participant
	relay       relayUse
	sdp         frame.SDPCodec
	compress    bool // answers go out compressed
	limiter     *rate.Limiter

	outbox
}

func newSession(s *Server, r *http.Request) *session {
	conferenceID, asksRelay := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, pathPrefix), relaySuffix)
	token, content := joinToken(r.Header)
	return &session{
		server: s, conferenceID: conferenceID, token: token, content: content,
		relay:   relayUse{asked: asksRelay, host: r.Host},
		limiter: rate.NewLimiter(frameRate, frameBurst),
	}
}

func (s *session) log() *slog.Logger {
	return s.server.cfg.Logger.With("conference", s.conferenceID, "attendee", s.attendeeID)
}

// run reads frames until the socket closes, then leaves the room.
func (s *session) run() {
	s.open()
	defer s.finish()
	defer s.contain(func() {})
	timeout := joinTimeout
	if s.stranger {
		timeout = strangerTimeout
	}
	closing := context.AfterFunc(s.server.closing, func() { s.end(ending{code: closeRetry, reason: "come again"}) })
	defer closing()
	cut := context.AfterFunc(s.server.ctx, func() { s.socket.CloseNow() })
	defer cut()
	patience := time.AfterFunc(timeout, func() { s.end(ending{code: closeForbidden, reason: "no JOIN"}) })
	err := s.read(patience)
	s.shut()
	patience.Stop()
	s.leaveRelay(time.Now())
	s.left(err)
}

// finish ends what else there is of the session.
func (s *session) finish() {
	s.shut()
	s.socket.CloseNow()
	s.writers.Wait()
}

// contain keeps a panic to this session. It is deferred, with what is left to do then.
func (s *session) contain(rest func()) {
	if p := recover(); p != nil {
		s.log().Error("panic in a signaling session", "panic", p, "stack", string(debug.Stack()))
		rest()
	}
}

// read handles frames one after the other. It returns why it stopped.
func (s *session) read(patience *time.Timer) (err error) {
	defer s.contain(func() {
		s.part(closeRetry, "internal error")
		err = errors.New("panic")
	})
	for {
		kind, message, err := s.socket.Read(context.Background()) // until the socket is closed
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
			s.part(websocket.StatusPolicyViolation, "too many frames")
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
		s.apart(f)
	}
}

// apart handles a frame; those that take a deep stack, to read the database or a session description, on a goroutine
// that ends then. The stack would stay with the one that reads.
func (s *session) apart(f *signalpb.SdkSignalFrame) {
	if t := f.GetType(); t != signalpb.SdkSignalFrame_JOIN && t != signalpb.SdkSignalFrame_SUBSCRIBE {
		s.handle(f)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.contain(func() { s.part(closeRetry, "internal error") })
		s.handle(f)
	}()
	<-done
}

// handle dispatches one frame.
func (s *session) handle(f *signalpb.SdkSignalFrame) {
	switch f.GetType() {
	case signalpb.SdkSignalFrame_PING_PONG:
		s.handlePing(f.GetPingPong())
		return
	case signalpb.SdkSignalFrame_JOIN:
		s.handleJoin(f.GetJoin())
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
