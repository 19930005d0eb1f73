package meetings

import (
	"context"
	"strings"
	"unicode/utf8"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/ids"
)

// Admission is what became of one NewAttendee of a list: the attendee, or why there is none.
type Admission struct {
	Attendee Attendee
	Err      error // of code Invalid or LimitExceeded; nil when there is an attendee
}

// CreateAttendee lets somebody connect to a conference of the actor. The same ExternalUserID is the same
// attendee, who keeps the capabilities given first.
func (s *Service) CreateAttendee(ctx context.Context, actor authz.Actor, conferenceID string, in NewAttendee) (Attendee, error) {
	admitted, err := s.CreateAttendees(ctx, actor, conferenceID, []NewAttendee{in})
	if err != nil {
		return Attendee{}, err
	}
	return admitted[0].Attendee, admitted[0].Err
}

// CreateAttendees is CreateAttendee for each of a list, in one transaction. What is wrong with one of them
// is in its Admission and leaves the others alone.
func (s *Service) CreateAttendees(ctx context.Context, actor authz.Actor, conferenceID string, list []NewAttendee) ([]Admission, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return nil, err
	}
	var admitted []Admission
	err := s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, conferenceID)
		if err != nil {
			return err
		}
		admitted, err = s.admitAll(ctx, tx, c, list)
		return err
	})
	return admitted, err
}

func (s *Service) admitAll(ctx context.Context, tx Tx, c Conference, list []NewAttendee) ([]Admission, error) {
	admitted := make([]Admission, 0, len(list))
	for _, in := range list {
		a, err := s.admitOne(ctx, tx, c, in)
		if code := errs.CodeOf(err); err != nil && code != errs.Invalid && code != errs.LimitExceeded {
			return nil, err
		}
		admitted = append(admitted, Admission{a, err})
	}
	return admitted, nil
}

// admitOne checks everything before it writes, so that a refusal leaves nothing behind in the transaction.
func (s *Service) admitOne(ctx context.Context, tx Tx, c Conference, in NewAttendee) (Attendee, error) {
	if n := utf8.RuneCountInString(in.ExternalUserID); n < 2 || n > 64 || !plainText(in.ExternalUserID, "\t") {
		return Attendee{}, errs.Field("externalUserId", "The external user id must have 2 to 64 characters, none of them a control character.")
	}
	capabilities, err := c.Features.capabilities(in.Capabilities)
	if err != nil {
		return Attendee{}, err
	}
	a, err := tx.AttendeeByExternalUserID(ctx, c.ID, in.ExternalUserID)
	if err == nil {
		a.JoinToken = s.joinToken(a.ConferenceID, a.ID)
		return a, nil
	}
	if errs.CodeOf(err) != errs.NotFound {
		return Attendee{}, err
	}
	a, err = s.insertAttendee(ctx, tx, c, Attendee{ExternalUserID: in.ExternalUserID, Capabilities: capabilities})
	if err == nil && len(in.Tags) > 0 {
		err = tx.SetAttendeeTags(ctx, c.ID, a.ID, in.Tags)
	}
	return a, err
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

// findAttendee returns an attendee of an open conference of the actor.
func (s *Service) findAttendee(ctx context.Context, r Reader, actor authz.Actor, conferenceID, attendeeID string) (Attendee, error) {
	c, err := findOpen(ctx, r, actor, conferenceID)
	if err != nil {
		return Attendee{}, err
	}
	a, err := r.Attendee(ctx, c.ID, strings.ToLower(attendeeID))
	if err != nil {
		return Attendee{}, err
	}
	a.JoinToken = s.joinToken(a.ConferenceID, a.ID)
	return a, nil
}

// GetAttendee returns an attendee of a conference of the actor.
func (s *Service) GetAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) (Attendee, error) {
	return s.findAttendee(ctx, s.cfg.Store, actor, conferenceID, attendeeID)
}

// ListAttendees returns one page of the attendees of a conference of the actor, in the order in which they
// were made. An attendee who is deleted between two pages is missing from the later one.
func (s *Service) ListAttendees(ctx context.Context, actor authz.Actor, conferenceID string, limit int, token string) (list []Attendee, nextToken string, err error) {
	c, err := findOpen(ctx, s.cfg.Store, actor, conferenceID)
	if err != nil {
		return nil, "", err
	}
	limit = min(limit, maxConferencePage)
	after, err := s.readCursor(c.ID, token)
	if err != nil {
		return nil, "", err
	}
	// One more than asked for tells whether there is another page.
	list, err = s.cfg.Store.Attendees(ctx, c.ID, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		list[i].JoinToken = s.joinToken(c.ID, list[i].ID)
	}
	if len(list) <= limit {
		return list, "", nil
	}
	last := list[limit-1]
	return list[:limit], s.cursor(c.ID, Position{CreatedAt: last.CreatedAt, ID: last.ID}), nil
}

// DeleteAttendee takes the right to connect away from an attendee of a conference of the actor.
func (s *Service) DeleteAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) error {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return err
	}
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		a, err := s.findAttendee(ctx, tx, actor, conferenceID, attendeeID)
		if err != nil {
			return err
		}
		if err := tx.DeleteAttendee(ctx, a.ConferenceID, a.ID); err != nil {
			return err
		}
		return emit(ctx, tx, events.AttendeeDeleted, a.ID, a, s.now())
	})
}
