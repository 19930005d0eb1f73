package meetings

import (
	"context"
	"strings"

	"carillon/internal/authz"
	"carillon/internal/errs"
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
	MaxOpen            int // how many open conferences the key may have, this one included; 0 = any number
}

// NewAttendee is the input of CreateAttendee.
type NewAttendee struct {
	ExternalUserID string        // 2..64 characters
	Capabilities   *Capabilities // nil = as much as the features of the conference leave
	Tags           map[string]string
}

var everything = Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}

// CreateConference makes a conference that belongs to the API key of the actor. While a conference that
// the same key made with the same ClientRequestToken is open, it returns that one.
func (s *Service) CreateConference(ctx context.Context, actor authz.Actor, in NewConference) (Conference, error) {
	c, _, err := s.CreateConferenceWithAttendees(ctx, actor, in, nil)
	return c, err
}

// CreateConferenceWithAttendees is CreateConference followed by CreateAttendees, in one transaction. The
// conference is made even when none of the attendees can be.
func (s *Service) CreateConferenceWithAttendees(ctx context.Context, actor authz.Actor, in NewConference, list []NewAttendee) (Conference, []Admission, error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return Conference{}, nil, err
	}
	var c Conference
	var admitted []Admission
	err := s.cfg.Store.Write(ctx, func(tx Tx) (err error) {
		if c, err = s.findOrOpen(ctx, tx, actor, in); err != nil {
			return err
		}
		admitted, err = s.admitAll(ctx, tx, c, list)
		return err
	})
	if err != nil {
		return Conference{}, nil, err
	}
	return c, admitted, nil
}

// findOrOpen returns the open conference that was made by the same request, or opens one.
func (s *Service) findOrOpen(ctx context.Context, tx Tx, actor authz.Actor, in NewConference) (Conference, error) {
	if in.ClientRequestToken != "" {
		c, err := tx.OpenConferenceByRequest(ctx, actor.KeyID, in.ClientRequestToken)
		if err == nil || errs.CodeOf(err) != errs.NotFound {
			return c, err
		}
	}
	if err := checkQuota(ctx, tx, actor, in.MaxOpen); err != nil {
		return Conference{}, err
	}
	if err := checkPrimary(ctx, tx, actor, in.PrimaryID); err != nil {
		return Conference{}, err
	}
	now := s.now()
	c := Conference{ID: ids.New(), KeyID: actor.KeyID, ClientRequestToken: in.ClientRequestToken,
		ExternalID: in.ExternalID, MediaRegion: in.MediaRegion, HostID: in.HostID, Features: in.Features,
		PrimaryID: strings.ToLower(in.PrimaryID), TenantIDs: in.TenantIDs, Tags: in.Tags, CreatedAt: now, EmptySince: &now}
	return c, s.open(ctx, tx, c)
}

// checkQuota refuses one conference more than the key may have open.
func checkQuota(ctx context.Context, r Reader, actor authz.Actor, limit int) error {
	if limit == 0 {
		return nil
	}
	n, err := r.CountOpenConferences(ctx, actor.KeyID)
	if err == nil && n >= limit {
		return errs.New(errs.LimitExceeded, "The access key has %d meetings already, which is all it may have.", n)
	}
	return err
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
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return err
	}
	return s.cfg.Store.Write(ctx, func(tx Tx) error {
		c, err := findOpen(ctx, tx, actor, id)
		if err != nil {
			return err
		}
		return s.end(ctx, tx, c)
	})
}

// maxConferencePage is how many conferences or attendees one page holds at most.
const maxConferencePage = 100

// ListConferences returns one page of the open conferences of the actor's key, oldest first.
func (s *Service) ListConferences(ctx context.Context, actor authz.Actor, limit int, token string) (list []Conference, nextToken string, err error) {
	if err := authz.Check(actor, authz.ConferenceManage, authz.Resource{}); err != nil {
		return nil, "", err
	}
	limit = min(limit, maxConferencePage)
	after, err := s.readCursor(actor.KeyID, token)
	if err != nil {
		return nil, "", err
	}
	// One more than asked for tells whether there is another page.
	list, err = s.cfg.Store.OpenConferencesOfKey(ctx, actor.KeyID, after, limit+1)
	if err != nil || len(list) <= limit {
		return list, "", err
	}
	last := list[limit-1]
	return list[:limit], s.cursor(actor.KeyID, Position{CreatedAt: last.CreatedAt, ID: last.ID}), nil
}
