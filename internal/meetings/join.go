package meetings

import (
	"context"
	"strings"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/ids"
)

// Joined is what a person needs to connect.
type Joined struct {
	Meeting    Meeting
	Conference Conference
	Attendee   Attendee
}

// An external user id has at most 64 characters: 8 of the account id, "#" and the rest for the name.
const maxDisplayName = 55

// Join lets a person into a listed meeting: it opens a conference when none is open, and makes the person
// an attendee of it. Who joins again is the same attendee, under the name given last.
func (s *Service) Join(ctx context.Context, actor authz.Actor, id, displayName string) (Joined, error) {
	name := oneLine(displayName, maxDisplayName)
	var j Joined
	err := s.cfg.Store.Write(ctx, func(tx Tx) (err error) {
		if j.Meeting, err = find(ctx, tx, actor, authz.MeetingJoin, id); err != nil {
			return err
		}
		if name == "" {
			return errs.Field("name", "The name must not be empty.")
		}
		if j.Conference, err = s.openConferenceOf(ctx, tx, &j.Meeting); err != nil {
			return err
		}
		j.Attendee, err = s.admit(ctx, tx, j.Conference, actor.AccountID, externalUserID(actor.AccountID, name))
		return err
	})
	if err != nil {
		return Joined{}, err
	}
	return j, nil
}

// externalUserID keeps people of the same name apart and still shows the name to clients that know
// nothing else of an attendee.
func externalUserID(accountID, name string) string {
	prefix := strings.ReplaceAll(accountID, "-", "")
	return prefix[:min(8, len(prefix))] + "#" + name
}

// openConferenceOf returns the open conference of the meeting, or opens one.
func (s *Service) openConferenceOf(ctx context.Context, tx Tx, m *Meeting) (Conference, error) {
	c, err := tx.OpenConferenceOf(ctx, m.ID)
	if err == nil || errs.CodeOf(err) != errs.NotFound {
		return c, err
	}
	now := s.now()
	c = Conference{ID: ids.New(), ExternalID: m.ID, MeetingID: m.ID, CreatedAt: now, EmptySince: &now}
	if err := s.open(ctx, tx, c); err != nil {
		return Conference{}, err
	}
	m.ConferenceID = c.ID
	return c, s.saveMeeting(ctx, tx, m)
}

// admit returns the account's attendee of the conference, or makes it.
func (s *Service) admit(ctx context.Context, tx Tx, c Conference, accountID, externalUserID string) (Attendee, error) {
	a, err := tx.AttendeeByAccount(ctx, c.ID, accountID)
	if err != nil && errs.CodeOf(err) != errs.NotFound {
		return Attendee{}, err
	}
	if err != nil {
		return s.insertAttendee(ctx, tx, c, Attendee{AccountID: accountID, ExternalUserID: externalUserID, Capabilities: everything})
	}
	if a.ExternalUserID != externalUserID {
		a.ExternalUserID = externalUserID
		if err := tx.UpdateAttendee(ctx, a); err != nil {
			return Attendee{}, err
		}
	}
	a.JoinToken = s.joinToken(a.ConferenceID, a.ID)
	return a, nil
}

// open writes a new conference and tells the change feed.
func (s *Service) open(ctx context.Context, tx Tx, c Conference) error {
	if err := tx.InsertConference(ctx, c); err != nil {
		return err
	}
	return emit(ctx, tx, events.ConferenceCreated, c.ID, c, c.CreatedAt)
}

// end ends an open conference and its replicas. Its meeting, if it still exists, no longer names it.
func (s *Service) end(ctx context.Context, tx Tx, c Conference) error {
	now := s.now()
	c.EndedAt = &now
	if err := tx.UpdateConference(ctx, c); err != nil {
		return err
	}
	if err := emit(ctx, tx, events.ConferenceEnded, c.ID, c, now); err != nil {
		return err
	}
	if err := s.endReplicas(ctx, tx, c); err != nil {
		return err
	}
	if c.MeetingID == "" {
		return nil
	}
	m, err := tx.Meeting(ctx, c.MeetingID)
	if err != nil {
		if errs.CodeOf(err) == errs.NotFound {
			return nil // deleted in this same transaction
		}
		return err
	}
	if m.ConferenceID != c.ID {
		return nil // the owner has stored something else there
	}
	m.ConferenceID = ""
	return s.saveMeeting(ctx, tx, &m)
}
