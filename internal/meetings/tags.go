package meetings

import (
	"context"
	"maps"

	"carillon/internal/authz"
	"carillon/internal/errs"
)

// How many tags a thing may have.
const (
	maxConferenceTags = 50
	maxAttendeeTags   = 10
)

// ConferenceTags returns the tags of a conference of the actor.
func (s *Service) ConferenceTags(ctx context.Context, actor authz.Actor, conferenceID string) (map[string]string, error) {
	c, err := findOpen(ctx, s.cfg.Store, actor, conferenceID)
	return c.Tags, err
}

// TagConference adds tags to a conference of the actor, over those with the same keys. The error has code
// LimitExceeded when it would have too many.
func (s *Service) TagConference(ctx context.Context, actor authz.Actor, conferenceID string, tags map[string]string) error {
	return s.changeConferenceTags(ctx, actor, conferenceID, func(t map[string]string) { maps.Copy(t, tags) })
}

// UntagConference removes tags; keys that are not there are no error.
func (s *Service) UntagConference(ctx context.Context, actor authz.Actor, conferenceID string, keys []string) error {
	return s.changeConferenceTags(ctx, actor, conferenceID, func(t map[string]string) { without(t, keys) })
}

func (s *Service) changeConferenceTags(ctx context.Context, actor authz.Actor, conferenceID string, change func(map[string]string)) error {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return err
	}
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, conferenceID)
		if err != nil {
			return err
		}
		tags, err := changed(c.Tags, change, maxConferenceTags)
		if err != nil {
			return err
		}
		return tx.SetConferenceTags(ctx, c.ID, tags)
	})
}

// AttendeeTags returns the tags of an attendee of a conference of the actor.
func (s *Service) AttendeeTags(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string) (map[string]string, error) {
	a, err := s.findAttendee(ctx, s.cfg.Store, actor, conferenceID, attendeeID)
	if err != nil {
		return nil, err
	}
	return s.cfg.Store.AttendeeTags(ctx, a.ConferenceID, a.ID)
}

// TagAttendee is TagConference for an attendee.
func (s *Service) TagAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, tags map[string]string) error {
	return s.changeAttendeeTags(ctx, actor, conferenceID, attendeeID, func(t map[string]string) { maps.Copy(t, tags) })
}

// UntagAttendee is UntagConference for an attendee.
func (s *Service) UntagAttendee(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, keys []string) error {
	return s.changeAttendeeTags(ctx, actor, conferenceID, attendeeID, func(t map[string]string) { without(t, keys) })
}

func (s *Service) changeAttendeeTags(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, change func(map[string]string)) error {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return err
	}
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		a, err := s.findAttendee(ctx, tx, actor, conferenceID, attendeeID)
		if err != nil {
			return err
		}
		old, err := tx.AttendeeTags(ctx, a.ConferenceID, a.ID)
		if err != nil {
			return err
		}
		tags, err := changed(old, change, maxAttendeeTags)
		if err != nil {
			return err
		}
		return tx.SetAttendeeTags(ctx, a.ConferenceID, a.ID, tags)
	})
}

// changed returns a changed copy, since a transaction may be run again.
func changed(old map[string]string, change func(map[string]string), limit int) (map[string]string, error) {
	tags := maps.Clone(old)
	if tags == nil {
		tags = make(map[string]string)
	}
	change(tags)
	if len(tags) > limit {
		return nil, errs.New(errs.LimitExceeded, "It would have %d tags; %d is all it may have.", len(tags), limit)
	}
	return tags, nil
}

func without(tags map[string]string, keys []string) {
	for _, key := range keys {
		delete(tags, key)
	}
}
