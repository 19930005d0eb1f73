package meetings

import (
	"context"
	"strings"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/ids"
)

// NewConference is the input of CreateConference.
type NewConference struct {
	ClientRequestToken string // repeats of a request carry the same token; "" = every call makes a new one
	ExternalID         string
	MediaRegion        string
	HostID             string
	Features           Features
	PrimaryID          string
	TenantIDs          []string
	Tags               map[string]string
}

// NewAttendee is the input of CreateAttendee.
type NewAttendee struct {
	ExternalUserID string        // 2..64 characters
	Capabilities   *Capabilities // nil = as much as the features of the conference leave
}

var everything = Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}

// CreateConference makes a conference that belongs to the API key of the actor. While a conference that
// the same key made with the same ClientRequestToken is open, it returns that one.
func (s *Service) CreateConference(ctx context.Context, actor authz.Actor, in NewConference) (Conference, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return Conference{}, err
	}
	var c Conference
	err := s.cfg.Store.Write(ctx, func(tx Tx) (err error) {
		if in.ClientRequestToken != "" {
			c, err = tx.OpenConferenceByRequest(ctx, actor.KeyID, in.ClientRequestToken)
			if err == nil || errs.CodeOf(err) != errs.NotFound {
				return err
			}
		}
		now := s.now()
		c = Conference{ID: ids.New(), KeyID: actor.KeyID, ClientRequestToken: in.ClientRequestToken,
			ExternalID: in.ExternalID, MediaRegion: in.MediaRegion, HostID: in.HostID, Features: in.Features,
			PrimaryID: in.PrimaryID, TenantIDs: in.TenantIDs, Tags: in.Tags, CreatedAt: now, EmptySince: &now}
		return s.open(ctx, tx, c)
	})
	if err != nil {
		return Conference{}, err
	}
	return c, nil
}

// findOpen returns an open conference of the actor's tenant.
func findOpen(ctx context.Context, r Reader, actor authz.Actor, id string) (Conference, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return Conference{}, err
	}
	c, err := r.Conference(ctx, strings.ToLower(id))
	if err != nil {
		return Conference{}, err
	}
	if c.EndedAt != nil || !actor.System && c.KeyID != actor.KeyID {
		return Conference{}, errs.New(errs.NotFound, "There is no such conference.")
	}
	return c, nil
}

// GetConference returns an open conference of the actor.
func (s *Service) GetConference(ctx context.Context, actor authz.Actor, id string) (Conference, error) {
	return findOpen(ctx, s.cfg.Store, actor, id)
}

// DeleteConference ends an open conference of the actor.
func (s *Service) DeleteConference(ctx context.Context, actor authz.Actor, id string) error {
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		return s.end(ctx, tx, c)
	})
}

// CreateAttendee lets somebody connect to a conference of the actor. The same ExternalUserID is the same
// attendee, who keeps the capabilities given first.
func (s *Service) CreateAttendee(ctx context.Context, actor authz.Actor, conferenceID string, in NewAttendee) (Attendee, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return Attendee{}, err
	}
	if n := len([]rune(in.ExternalUserID)); n < 2 || n > 64 || !plainText(in.ExternalUserID, "\t") {
		return Attendee{}, errs.Field("externalUserId", "The external user id must have 2 to 64 characters.")
	}
	var a Attendee
	err := s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, conferenceID)
		if err != nil {
			return err
		}
		capabilities, err := c.Features.capabilities(in.Capabilities)
		if err != nil {
			return err
		}
		a, err = tx.AttendeeByExternalUserID(ctx, c.ID, in.ExternalUserID)
		if err == nil {
			a.JoinToken = s.joinToken(a.ConferenceID, a.ID)
			return nil
		}
		if errs.CodeOf(err) != errs.NotFound {
			return err
		}
		a, err = s.insertAttendee(ctx, tx, c, Attendee{ExternalUserID: in.ExternalUserID, Capabilities: capabilities})
		return err
	})
	if err != nil {
		return Attendee{}, err
	}
	return a, nil
}

// DeleteAttendee takes the right to connect away from an attendee of a conference of the actor.
func (s *Service) DeleteAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) error {
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, conferenceID)
		if err != nil {
			return err
		}
		a, err := tx.Attendee(ctx, c.ID, strings.ToLower(attendeeID))
		if err != nil {
			return err
		}
		if err := tx.DeleteAttendee(ctx, c.ID, a.ID); err != nil {
			return err
		}
		return emit(ctx, tx, events.AttendeeDeleted, a.ID, a, s.now())
	})
}

// insertAttendee gives a an id and a join token and writes it, if there is room in the conference.
func (s *Service) insertAttendee(ctx context.Context, tx Tx, c Conference, a Attendee) (Attendee, error) {
	limit := maxAttendees
	if m := c.Features.MaxAttendees; m > 0 {
		limit = min(limit, m)
	}
	n, err := tx.CountAttendees(ctx, c.ID)
	if err != nil {
		return Attendee{}, err
	}
	if n >= limit {
		return Attendee{}, errs.New(errs.LimitExceeded, "The meeting is full: it has %d attendees.", n)
	}
	a.ID, a.ConferenceID, a.CreatedAt = ids.New(), c.ID, s.now()
	if err := tx.InsertAttendee(ctx, a); err != nil {
		return Attendee{}, err
	}
	a.JoinToken = s.joinToken(c.ID, a.ID)
	return a, emit(ctx, tx, events.AttendeeCreated, a.ID, a, a.CreatedAt)
}
