package meetings

import (
	"context"
	"slices"
	"strings"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
)

// What an attendee may do with one kind of media.
const (
	sendReceive = "SendReceive"
	receive     = "Receive"
	none        = "None"
)

// capabilities returns what a new attendee of a conference with these features may do: what was given if
// that is allowed, and else as much as the features leave. A conference without cameras lets attendees who
// asked for nothing receive video, because content needs it; only values that were given are refused.
func (f Features) capabilities(given *Capabilities) (Capabilities, error) {
	noVideo, noContent := f.VideoResolution == none, f.ContentResolution == none
	if given == nil {
		c := everything
		switch {
		case noVideo && noContent:
			c.Video, c.Content = none, none
		case noVideo:
			c.Video = receive
		case noContent:
			c.Content = none
		}
		return c, nil
	}
	receives := func(capability string) bool { return capability == sendReceive || capability == receive }
	switch {
	case noVideo && given.Video != none:
		return Capabilities{}, errs.Field("capabilities", "The video capability must be None in a meeting without video.")
	case noContent && given.Content != none:
		return Capabilities{}, errs.Field("capabilities", "The content capability must be None in a meeting without content.")
	case receives(given.Content) && !receives(given.Video):
		return Capabilities{}, errs.Field("capabilities", "Receiving content needs a video capability of SendReceive or Receive.")
	}
	return *given, nil
}

// UpdateCapabilities changes what an attendee of a conference of the actor may do. Who is connected notices
// at once.
func (s *Service) UpdateCapabilities(ctx context.Context, actor authz.Actor, conferenceID, attendeeID string, to Capabilities) (Attendee, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return Attendee{}, err
	}
	var a Attendee
	err := s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, conferenceID)
		if err != nil {
			return err
		}
		if _, err := c.Features.capabilities(&to); err != nil {
			return err
		}
		if a, err = tx.Attendee(ctx, c.ID, strings.ToLower(attendeeID)); err != nil {
			return err
		}
		a.JoinToken = s.joinToken(c.ID, a.ID)
		return s.setCapabilities(ctx, tx, &a, to)
	})
	if err != nil {
		return Attendee{}, err
	}
	return a, nil
}

// UpdateCapabilitiesExcept does the same for all attendees but the excluded ones. Excluded ids that are not in
// the conference are no error: it is how clients say "all".
func (s *Service) UpdateCapabilitiesExcept(ctx context.Context, actor authz.Actor, conferenceID string, excluded []string, to Capabilities) error {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return err
	}
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, conferenceID)
		if err != nil {
			return err
		}
		if _, err := c.Features.capabilities(&to); err != nil {
			return err
		}
		list, err := tx.Attendees(ctx, c.ID, nil, maxAttendees)
		if err != nil {
			return err
		}
		for i := range list {
			if slices.ContainsFunc(excluded, func(id string) bool { return strings.EqualFold(id, list[i].ID) }) {
				continue
			}
			if err := s.setCapabilities(ctx, tx, &list[i], to); err != nil {
				return err
			}
		}
		return nil
	})
}

// setCapabilities writes a change and its event; there is none when nothing changes.
func (s *Service) setCapabilities(ctx context.Context, tx Tx, a *Attendee, to Capabilities) error {
	if a.Capabilities == to {
		return nil
	}
	a.Capabilities = to
	if err := tx.UpdateAttendee(ctx, *a); err != nil {
		return err
	}
	return emit(ctx, tx, events.AttendeeUpdated, a.ID, *a, s.now())
}
