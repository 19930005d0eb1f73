// Package timeline keeps what clients report about how a conference went for them: that they started,
// lost their connection, could not use a device, ended. It is the quality timeline of the conference, and goes
// away with the conference's rows.
//
// What arrives is written by programs on other people's machines: it is bounded, and used for nothing but
// to be looked at. The package starts no goroutines.
package timeline

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/meetings"
)

// Limits of what is kept and taken.
const (
	MaxPerConference = 50_000
	MaxPerAttendee   = 2_000

	reportsPerSecond = 1 // of one attendee; clients report every five seconds, and more often when things go wrong
	reportsBurst     = 60
	maxLimiters      = 20_000 // attendees whose rate is remembered

	maxListed = 1000
)

// Event is one thing that a client reports.
type Event struct {
	ConferenceID string          `json:"conferenceId"`
	Seq          int64           `json:"seq"` // its place in the timeline of the conference
	AttendeeID   string          `json:"attendeeId"`
	Name         string          `json:"name"`
	At           time.Time       `json:"at"`         // by the clock of the client, UTC
	ReceivedAt   time.Time       `json:"receivedAt"` // by ours
	Client       Client          `json:"client"`
	Attributes   json.RawMessage `json:"attributes"` // JSON object, as the client wrote it
}

// Store keeps the events.
type Store interface {
	// AppendClientEvents adds events of one attendee, as many as the limits leave, and returns how many.
	AppendClientEvents(ctx context.Context, conferenceID, attendeeID string, list []Event, maxConference, maxAttendee int) (int, error)
	// ClientEvents returns at most limit events of a conference with a Seq greater than after, in order.
	ClientEvents(ctx context.Context, conferenceID string, after int64, limit int) ([]Event, error)
}

// Meetings is what the Service needs of meetings.Service and its store.
type Meetings interface {
	// Witness returns whom a join token was made for.
	Witness(ctx context.Context, conferenceID, joinToken string) (attendeeID string, err error)
}

// Conferences looks up conferences, ended ones too.
type Conferences interface {
	Conference(ctx context.Context, id string) (meetings.Conference, error)
}

// Config is what a Service needs. All but Clock is required.
type Config struct {
	Store       Store
	Meetings    Meetings
	Conferences Conferences
	Clock       func() time.Time // nil = time.Now
}

// Service takes and shows timelines. Its methods are safe for use by several goroutines.
type Service struct {
	cfg Config

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by attendee
}

// New makes a service.
func New(cfg Config) *Service {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return &Service{cfg: cfg, limiters: make(map[string]*rate.Limiter)}
}

// contentSuffix is what clients append to the token on the connection that shares a screen.
const contentSuffix = "#content"

// Accept stores what the holder of a join token reports and returns how many events that were. The error
// is Unauthenticated for a token that is not valid for the conference of the report, Gone when that ended some
// time ago, Throttled when the attendee reports too often, and LimitExceeded when nothing more is kept.
func (s *Service) Accept(ctx context.Context, joinToken string, r Report) (stored int, err error) {
	attendeeID, err := s.cfg.Meetings.Witness(ctx, r.ConferenceID, strings.TrimSuffix(joinToken, contentSuffix))
	if err != nil {
		return 0, err
	}
	now := s.cfg.Clock().UTC().Truncate(time.Microsecond)
	if !s.limiter(attendeeID).AllowN(now, 1) {
		return 0, errs.New(errs.Throttled, "Too many reports: try again later.")
	}
	if len(r.Events) == 0 {
		return 0, nil
	}
	conferenceID := strings.ToLower(r.ConferenceID)
	for i := range r.Events {
		e := &r.Events[i]
		e.ConferenceID, e.AttendeeID, e.ReceivedAt, e.Client = conferenceID, attendeeID, now, r.Client
		if e.At.IsZero() {
			e.At = now
		}
	}
	stored, err = s.cfg.Store.AppendClientEvents(ctx, conferenceID, attendeeID, r.Events, MaxPerConference, MaxPerAttendee)
	if err == nil && stored == 0 {
		err = errs.New(errs.LimitExceeded, "Nothing more is kept about this meeting.")
	}
	return stored, err
}

func (s *Service) limiter(attendeeID string) *rate.Limiter {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.limiters[attendeeID]
	if l == nil {
		if len(s.limiters) >= maxLimiters {
			clear(s.limiters) // everybody starts afresh, which lets in a few reports more
		}
		l = rate.NewLimiter(reportsPerSecond, reportsBurst)
		s.limiters[attendeeID] = l
	}
	return l
}

// Timeline returns a page of the timeline of a conference, which may have ended: at most limit events behind the one
// with the Seq after. An API key sees the conferences that it made.
func (s *Service) Timeline(ctx context.Context, actor authz.Actor, conferenceID string, after int64, limit int) ([]Event, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return nil, err
	}
	c, err := s.cfg.Conferences.Conference(ctx, strings.ToLower(conferenceID))
	if err != nil {
		return nil, err
	}
	if !actor.System && c.KeyID != actor.KeyID {
		return nil, errs.New(errs.NotFound, "There is no such conference.")
	}
	if limit <= 0 || limit > maxListed {
		limit = maxListed
	}
	return s.cfg.Store.ClientEvents(ctx, c.ID, after, limit)
}
