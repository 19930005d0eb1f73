package meetings

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"carillon/internal/events"
)

const (
	defaultEmptyTimeout = 5 * time.Minute
	defaultMaxAge       = 24 * time.Hour
	// How long ended conferences stay readable for whoever looks into the database.
	endedRetention = 7 * 24 * time.Hour
	sweepInterval  = 15 * time.Second

	maxAttendees = 250 // in one conference, connected or not
)

// Config is what a Service needs.
type Config struct {
	Store        Store
	Live         Live             // may be nil, and may come later by SetLive
	Clock        func() time.Time // nil = time.Now
	JoinKey      []byte           // secret of the join tokens, at least 16 bytes; with another key all tokens die
	Logger       *slog.Logger
	EmptyTimeout time.Duration // a conference ends when it was empty for so long; 0 = 5 minutes
	MaxAge       time.Duration // a conference ends when it is so old; 0 = 24 hours
}

// Service applies the rules. Its methods are safe for use by several goroutines.
type Service struct {
	cfg  Config
	live Live // constant once the change feed has started
}

// New makes a service. It panics when the join key is too short to be a secret, because tokens that
// anybody can make would open every conference.
func New(cfg Config) *Service {
	if len(cfg.JoinKey) < 16 {
		panic("meetings: the join key has to have at least 16 bytes")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.EmptyTimeout == 0 {
		cfg.EmptyTimeout = defaultEmptyTimeout
	}
	if cfg.MaxAge == 0 {
		cfg.MaxAge = defaultMaxAge
	}
	return &Service{cfg: cfg, live: cfg.Live}
}

// SetLive says where conferences run. Call it before the change feed starts to call HandleEvent.
func (s *Service) SetLive(l Live) { s.live = l }

// now is the time in the precision that every database keeps.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Microsecond) }

// emit adds an event with the row as its payload.
func emit(ctx context.Context, tx Tx, t events.Type, subject string, row any, at time.Time) error {
	payload, err := json.Marshal(row)
	if err != nil {
		return err
	}
	return tx.Emit(ctx, events.Event{Type: t, Subject: subject, Payload: payload, At: at})
}

// HandleEvent tells the live side what the change feed says. It is made to be a durable consumer of the
// feed, so it may see an event twice, and also long after the conference is gone.
func (s *Service) HandleEvent(_ context.Context, e events.Event) error {
	if s.live == nil {
		return nil
	}
	switch e.Type {
	case events.ConferenceEnded:
		s.live.EndConference(e.Subject)
	case events.AttendeeUpdated, events.AttendeeDeleted:
		var a Attendee
		if err := json.Unmarshal(e.Payload, &a); err != nil {
			// Trying again would not help and would hold up every later event.
			s.cfg.Logger.Error("an event cannot be read", "seq", e.Seq, "type", e.Type, "err", err)
			return nil
		}
		if e.Type == events.AttendeeDeleted {
			s.live.RemoveAttendee(a.ConferenceID, a.ID)
		} else {
			s.live.SetCapabilities(a.ConferenceID, a.ID, a.Capabilities)
		}
	}
	return nil
}
