package rooms

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"carillon/internal/errs"
)

// Limits of data messages.
const (
	MaxMessageData     = 2048            // bytes
	MaxMessageLifetime = 5 * time.Minute // longer ones are cut
	maxKeptMessages    = 1024            // the oldest gives way
	messageRate        = 100             // per second and conference; what is over goes back to its sender
	messageBurst       = 200

	// Beyond these a client is no longer a client that talks too much.
	senderRate, senderBurst = 200, 2000  // of one connection
	hardRate, hardBurst     = 500, 10000 // of the conference
)

// messageTopic is what a topic may look like. The colon of reserved topics is not in it.
var messageTopic = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,36}$`)

// Message is a data message as receivers get it.
type Message struct {
	Topic                          string
	Data                           []byte
	SenderID, SenderExternalUserID string
	IngestTime                     time.Time // strictly increasing in a conference; zero: throttled, back to its sender

	session uint64 // of the sender
	expires time.Time
}

// messageBox is the data messages of a room. It is guarded by Room.mu.
type messageBox struct {
	limit *rate.Limiter
	hard  *rate.Limiter
	last  time.Time // ingest time of the last message
	kept  []Message // those with a lifetime, oldest first
}

func newMessageBox() messageBox {
	return messageBox{limit: rate.NewLimiter(messageRate, messageBurst), hard: rate.NewLimiter(hardRate, hardBurst)}
}

// SendMessage delivers a data message to everybody else in the room and, when it has a lifetime, to those who come
// during that time. A message over the rate of the conference is returned instead, for its sender. The error has code
// Invalid when topic, size or lifetime are out of bounds, and Throttled when the sender goes on far beyond the rate
// and its connection should be ended; the message goes nowhere then.
func (p *Participant) SendMessage(topic string, data []byte, lifetime time.Duration) (returned *Message, err error) {
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.gone {
		return nil, nil
	}
	now := time.Now()
	if !p.messages.AllowN(now, 1) || !r.messages.hard.AllowN(now, 1) {
		return nil, errs.New(errs.Throttled, "Far too many data messages.")
	}
	if !messageTopic.MatchString(topic) || len(data) > MaxMessageData || lifetime < 0 {
		return nil, errs.New(errs.Invalid, "The topic, the size or the lifetime of the data message is out of bounds.")
	}
	m := Message{
		Topic: topic, Data: data, session: p.member.SessionID,
		SenderID: p.member.AttendeeID, SenderExternalUserID: p.member.ExternalUserID,
	}
	if !r.messages.limit.AllowN(now, 1) {
		return &m, nil
	}
	m.IngestTime = r.messages.ingest(now)
	r.messages.keep(m, min(lifetime, MaxMessageLifetime), now)
	told := &Shared[[]Message]{Value: []Message{m}}
	for _, q := range *r.members.Load() {
		if q.listening && !q.content && base(q.member.AttendeeID) != base(p.member.AttendeeID) {
			q.member.Observer.Messages(told)
		}
	}
	return nil, nil
}

// ingest is the time of a new message: now, or just after the last one.
func (b *messageBox) ingest(now time.Time) time.Time {
	if !now.After(b.last) {
		now = b.last.Add(time.Nanosecond)
	}
	b.last = now
	return now
}

// keep stores a message that has a lifetime.
func (b *messageBox) keep(m Message, lifetime time.Duration, now time.Time) {
	b.kept = slices.DeleteFunc(b.kept, func(k Message) bool { return now.After(k.expires) })
	if lifetime == 0 {
		return
	}
	if len(b.kept) == maxKeptMessages {
		b.kept = slices.Delete(b.kept, 0, 1)
	}
	m.expires = now.Add(lifetime)
	b.kept = append(b.kept, m)
}

// Replay delivers the messages that are still alive, oldest first, to somebody who has just come, and everything
// that follows. What the same session of the client has sent itself is left out.
func (p *Participant) Replay() {
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	p.listening = true
	if p.content {
		return
	}
	now := time.Now()
	var alive []Message
	for _, m := range r.messages.kept {
		own := m.session == p.member.SessionID && strings.EqualFold(base(m.SenderID), base(p.member.AttendeeID))
		if now.Before(m.expires) && !own {
			alive = append(alive, m)
		}
	}
	if len(alive) > 0 {
		p.member.Observer.Messages(&Shared[[]Message]{Value: alive})
	}
}
