package rooms

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/media/mixer"
	"carillon/internal/media/sdp"
	"carillon/internal/media/transport"
)

// Member says who joins which conference on which connection.
type Member struct {
	ConferenceID    string
	AttendeeID      string // with "#content" for a screen share
	ExternalUserID  string
	SessionID       uint64 // the client's audio_session_id: constant over reconnects
	MaxParticipants int    // 0 = MaxParticipants
	NoKeyFrames     bool   // a screen share that wants no periodic requests for key frames
	Capabilities    Capabilities
	Adaptation      Adaptation
	Estimates       bool // the client chooses videos by its own estimate, which it only makes without transport-wide feedback
	Observer        Observer
}

func (m Member) content() bool { return base(m.AttendeeID) != m.AttendeeID }

// Participant is one connection in a room. Its methods are called by the one signaling session that
// joined it; it is also the transport.Handler of its media connection.
type Participant struct {
	// Constant after newParticipant.
	member  Member
	room    *Room
	log     *slog.Logger
	content bool
	audioID uint32

	// media is set by the first Subscribe. The packet path reads it without a lock.
	media atomic.Pointer[media]

	broken atomic.Bool // its handling has panicked, and it is being expelled

	// Guarded by room.mu.
	gone       bool
	announced  bool          // the others see it in the roster
	present    bool          // reported as joined, by this connection or the one before it
	rosterSent bool          // it has had the full roster
	rosterHas  int           // changes of rosterNews that were in it
	indexSent  bool          // it has had its first index
	listening  bool          // it gets data messages
	messages   *rate.Limiter // those that it sends
	supersedes []uint32      // audio ids of earlier connections still shown in the roster
	can        Capabilities
	muteWanted bool // by the client
	muted      bool // in effect: wanted, or because it may not send
	source     *mixer.Source
	sink       *mixer.Sink
	excluded   []*mixer.Source // from sink
	heard      reception       // of its audio, at the last look
	camera     *videoGroup
	received   map[string]*receivedVideo // by mid
	codecs     []sdp.Format              // video it can decode; nil before Subscribe
	picks      bool                      // it has switched encodings itself
	grace      *time.Timer

	subscribing sync.Mutex // one Subscribe at a time
}

func newParticipant(r *Room, m Member) *Participant {
	p := &Participant{
		member:   m,
		room:     r,
		log:      r.log.With("attendee", m.AttendeeID),
		content:  m.content(),
		audioID:  r.hub.ids.allocate(),
		can:      m.Capabilities,
		messages: rate.NewLimiter(senderRate, senderBurst),
		received: make(map[string]*receivedVideo),
	}
	p.member.Observer = guarded{p, m.Observer}
	p.muted = !p.maySendAudioLocked()
	return p
}

// ShowIndex sends the Observer the first index, and further ones from now on.
func (p *Participant) ShowIndex() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.indexSent = true
	p.member.Observer.Index(p.room.overviewLocked().index(p))
}

// SetMuted applies the mute state of the client to the mix and tells everybody. A client whose attendee may not
// send audio stays muted.
func (p *Participant) SetMuted(muted bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.setMutedLocked(muted)
}

func (p *Participant) setMutedLocked(muted bool) {
	p.muteWanted = muted
	p.applyMuteLocked()
}

func (p *Participant) applyMuteLocked() {
	muted := p.muteWanted || !p.maySendAudioLocked()
	if p.gone || p.muted == muted {
		return
	}
	p.muted = muted
	if p.source != nil {
		p.source.SetMuted(muted)
	}
	if p.announced {
		p.room.broadcastLocked([]RosterEntry{{AudioStreamID: p.audioID, Muted: flag(muted)}})
	}
}

// Leave ends the participant at its own wish.
func (p *Participant) Leave() { p.room.hub.leave(p, false) }

// Drop says that the signaling connection broke. The participant stays in the room, with its media,
// for the grace period, so that a client that comes back at once is not seen to leave.
func (p *Participant) Drop() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.dropLocked()
}

func (p *Participant) dropLocked() {
	if p.gone || p.grace != nil {
		return
	}
	p.rosterSent, p.indexSent, p.listening = false, false, false // nobody is listening any more
	p.grace = time.AfterFunc(p.room.hub.cfg.Grace, func() { p.room.hub.leave(p, true) })
}

// stopLocked releases everything that p holds.
func (p *Participant) stopLocked() {
	if p.grace != nil {
		p.grace.Stop()
	}
	if p.source != nil {
		p.room.mix.RemoveSource(p.source)
	}
	if p.sink != nil {
		p.room.mix.RemoveSink(p.sink)
	}
	p.dropCameraLocked()
	for mid := range p.received {
		p.dropReceivedLocked(mid)
	}
	if m := p.media.Load(); m != nil {
		m.conn.Close()
	}
}

// endLocked tells the signaling session, if there still is one, that the room has let p go.
func (p *Participant) endLocked(reason Reason) {
	if p.grace == nil {
		p.member.Observer.Ended(reason)
	}
}

// fail asks a client whose media connection is broken to come again, and keeps its place for the grace
// period: browsers that reconnect close the old media connection before they open the new socket.
func (p *Participant) fail(err error) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.gone {
		return
	}
	p.log.Info("media connection lost", "reason", err)
	p.endLocked(ReasonMediaLost)
	p.dropLocked()
}

var errGone = errs.New(errs.Gone, "This connection has been ended.")

// newSSRC returns a random synchronisation source (RFC 3550 section 8.1).
func newSSRC() uint32 {
	s := ids.Secret(4)
	var v uint32
	for _, c := range []byte(s) {
		d := c - '0'
		if c >= 'a' {
			d = c - 'a' + 10
		}
		v = v<<4 | uint32(d)
	}
	return v | 1 // never zero, which means "none" in descriptions
}

var _ transport.Handler = (*Participant)(nil)
