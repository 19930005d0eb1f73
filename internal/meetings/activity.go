package meetings

import (
	"context"
	"time"

	"carillon/internal/errs"
	"carillon/internal/events"
)

// Activity is something that an attendee did in a running conference. It is also the payload of the event
// that tells of it, because the attendee's row may be gone by then.
type Activity struct {
	Type           events.Type `json:"-"` // one of those of running conferences
	ConferenceID   string      `json:"conferenceId"`
	AttendeeID     string      `json:"attendeeId"`
	ExternalUserID string      `json:"externalUserId"`
	At             time.Time   `json:"at"`
}

// RecordActivity writes what the media plane reports into the change feed, in the order given. Reports about
// conferences that are unknown are left out; a conference that has just ended still has people who leave it.
func (s *Service) RecordActivity(ctx context.Context, list []Activity) error {
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		known := make(map[string]bool)
		for _, a := range list {
			if _, asked := known[a.ConferenceID]; !asked {
				_, err := tx.Conference(ctx, a.ConferenceID)
				if err != nil && errs.CodeOf(err) != errs.NotFound {
					return err
				}
				known[a.ConferenceID] = err == nil
			}
			if !known[a.ConferenceID] {
				continue
			}
			a.At = a.At.UTC().Truncate(time.Microsecond)
			if err := emit(ctx, tx, a.Type, a.AttendeeID, a, a.At); err != nil {
				return err
			}
		}
		return nil
	})
}
