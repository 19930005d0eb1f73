// Package rooms holds what is live in this process: one Room for each conference that has somebody in
// it, and one Participant for each connection.
//
// It owns the roster, who sends and who receives which video stream, mute, and the 20 ms clock that
// drives the audio mixer and the periodic RTCP. It knows nothing of SQL, HTTP or WebSockets: the
// signaling session that a participant belongs to is seen through the small Observer interface.
//
// Goroutines: one per Room (Room.run, the clock), ended when the last participant has gone or by
// Hub.Close. Packets arrive on the transport's reading goroutines and never wait for a Room's lock.
package rooms

import (
	"log/slog"
	"sync"
	"time"

	"carillon/internal/errs"
	"carillon/internal/media/transport"
)

// Limits of one conference.
const (
	MaxParticipants = 250
	MaxCameras      = 25
	MaxContent      = 2
	MaxReceived     = 25 // videos that one participant may receive
)

// Config is what a Hub needs. Transport and Logger are required.
type Config struct {
	Transport *transport.Server
	Logger    *slog.Logger

	// Presence is told the number of people (content shares not counted) in a conference each time
	// it changes. It is called without locks held, in order for one conference, and may block.
	Presence func(conferenceID string, connected int)

	// ReserveIDs reserves n numbers that no earlier or later call, of this process or the next, reserves too, each
	// block above the last. Nil starts at 1 each time.
	ReserveIDs func(n uint32) (first uint32, err error)

	// Activity is told what people do, in order, in lists of what gathered meanwhile. It is called
	// without locks held and may block.
	Activity func([]Activity)

	// Grace is how long a participant whose signaling broke stays in the roster, waiting for the
	// same session to come back. Zero means 15 s.
	Grace time.Duration
}

// Hub is all rooms of this process. Its methods are safe for concurrent use.
type Hub struct {
	cfg      Config
	presence *presenceQueue
	activity *activityQueue
	pacer    *pacer
	ids      idSource

	mu     sync.Mutex // taken before any Room.mu
	rooms  map[string]*Room
	left   leftMessages
	closed bool
	wg     sync.WaitGroup // room clocks, and what background started
}

// NewHub returns an empty hub. Close it to end every room.
func NewHub(cfg Config) *Hub {
	if cfg.Grace == 0 {
		cfg.Grace = 15 * time.Second
	}
	h := &Hub{cfg: cfg, rooms: make(map[string]*Room), ids: idSource{reserve: cfg.ReserveIDs, log: cfg.Logger}}
	h.presence = newPresenceQueue(cfg.Presence, cfg.Logger)
	h.activity = newActivityQueue(cfg.Activity, cfg.Logger)
	h.pacer = newPacer()
	h.wg.Go(func() { h.pacer.run(cfg.Transport.NewBatch()) })
	return h
}

// Join puts a connection into the room of its conference, which is made when it is the first.
//
// An earlier connection of the same attendee is replaced: silently when it carries the same
// SessionID (a reconnect), with ReasonJoinedElsewhere otherwise. The error has code LimitExceeded when
// the conference is full, and Forbidden when the attendee may not share content.
func (h *Hub) Join(m Member) (*Participant, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errs.New(errs.Unavailable, "The server is shutting down.")
	}
	r := h.rooms[m.ConferenceID]
	if r == nil {
		r = newRoom(h, m.ConferenceID)
	}
	p, err := r.join(m)
	if err != nil {
		return nil, err
	}
	if h.rooms[m.ConferenceID] == nil {
		h.rooms[m.ConferenceID] = r
		h.restoreMessagesLocked(r)
		h.wg.Go(r.run)
	}
	return p, nil
}

// End ends a conference for everybody in it. Nothing of it is kept.
func (h *Hub) End(conferenceID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[conferenceID]; r != nil {
		r.endAll(ReasonEnded)
		h.reapLocked(r)
	}
	h.left.take(conferenceID)
}

// Remove ends the connections, main and content, of one attendee.
func (h *Hub) Remove(conferenceID, attendeeID string) {
	h.withRoom(conferenceID, func(r *Room) { r.endAttendee(attendeeID, ReasonRemoved) })
}

func (h *Hub) withRoom(conferenceID string, f func(*Room)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.rooms[conferenceID]; r != nil {
		f(r)
		h.reapLocked(r)
	}
}

// leave takes p out of its room; gone is called by every path that ends a participant.
func (h *Hub) leave(p *Participant, dropped bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.room.leave(p, dropped)
	h.reapLocked(p.room)
}

// expel is leave for a participant whose handling has failed.
func (h *Hub) expel(p *Participant) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.room.expel(p)
	h.reapLocked(p.room)
}

// endRoom asks everybody in a room to come again, to another one.
func (h *Hub) endRoom(r *Room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.endAll(ReasonRestart)
	h.reapLocked(r)
}

// reapLocked forgets a room that nobody is in any more, except for its messages.
func (h *Hub) reapLocked(r *Room) {
	if h.rooms[r.id] == r && r.empty() {
		delete(h.rooms, r.id)
		close(r.stop)
		h.keepMessagesLocked(r)
	}
}

// background runs f on a goroutine that Close waits for. After Close, when nobody is left, it does nothing.
func (h *Hub) background(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.wg.Go(func() {
			defer containWork(h.cfg.Logger, "background")
			f()
		})
	}
}

// Participants returns the number of live connections in the process, for metrics.
func (h *Hub) Participants() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, r := range h.rooms {
		n += len(*r.members.Load())
	}
	return n
}

// Close tells every participant that the server goes away, ends all rooms and waits for their
// goroutines. The conferences themselves go on: people come back to them after a restart. Only the first
// call does anything.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	for _, r := range h.rooms {
		r.endAll(ReasonRestart)
		h.reapLocked(r)
	}
	h.left.clear()
	h.mu.Unlock()
	close(h.pacer.stop)
	h.wg.Wait()
	h.presence.close()
	h.activity.close()
}
