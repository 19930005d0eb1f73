package meetings

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/ids"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// NewMeeting is the input of Create.
type NewMeeting struct {
	ID           string // chosen by the client: 1..64 of letters, digits, "-", "_", "."; "" = a new UUID
	Title        string // 1..500 characters after trimming
	Description  string // at most 5000 characters
	ConferenceID string // kept until the meeting opens a conference of its own
}

// MeetingChange is the input of Update; nil fields stay as they are.
type MeetingChange struct {
	ID                               string
	Title, Description, ConferenceID *string
}

// ListQuery is the input of List.
type ListQuery struct {
	Limit     int    // 0 = 100, more than 1000 counts as 1000
	NextToken string // from the page before, "" = the first page
	Filter    Filter
}

// Page is a part of a list.
type Page struct {
	Items     []Meeting
	NextToken string // "" = this is the last page
}

// Create makes a listed meeting that belongs to the actor.
func (s *Service) Create(ctx context.Context, actor authz.Actor, in NewMeeting) (Meeting, error) {
	if err := authz.Check(actor, authz.MeetingCreate, authz.Resource{}); err != nil {
		return Meeting{}, err
	}
	if in.ID == "" {
		in.ID = ids.New()
	}
	m := Meeting{ID: in.ID, Title: strings.TrimSpace(in.Title), Description: in.Description,
		OwnerID: actor.AccountID, ConferenceID: in.ConferenceID}
	if err := m.check(); err != nil {
		return Meeting{}, err
	}
	m.CreatedAt = s.now()
	m.UpdatedAt = m.CreatedAt
	err := s.cfg.Store.Write(ctx, func(tx Tx) error {
		if err := tx.InsertMeeting(ctx, m); err != nil {
			return err
		}
		return emit(ctx, tx, events.MeetingCreated, m.ID, m, m.CreatedAt)
	})
	if err != nil {
		return Meeting{}, err
	}
	return m, nil
}

// find returns a meeting that the actor may do the action to. Whoever may not even read gets no answer
// about what exists.
func find(ctx context.Context, r Reader, actor authz.Actor, action authz.Action, id string) (Meeting, error) {
	if err := authz.Check(actor, authz.MeetingRead, authz.Resource{}); err != nil {
		return Meeting{}, err
	}
	m, err := r.Meeting(ctx, id)
	if err != nil {
		return Meeting{}, err
	}
	return m, authz.Check(actor, action, authz.Resource{OwnerID: m.OwnerID})
}

// Get returns one meeting.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id string) (Meeting, error) {
	return find(ctx, s.cfg.Store, actor, authz.MeetingRead, id)
}

// List returns one page of the meetings, newest first.
func (s *Service) List(ctx context.Context, actor authz.Actor, q ListQuery) (Page, error) {
	if err := authz.Check(actor, authz.MeetingRead, authz.Resource{}); err != nil {
		return Page{}, err
	}
	if q.Limit < 0 {
		return Page{}, errs.Field("limit", "The limit must not be negative.")
	}
	if q.Limit == 0 {
		q.Limit = defaultPage
	}
	limit := min(q.Limit, maxPage)
	after, err := parseNextToken(q.NextToken)
	if err != nil {
		return Page{}, err
	}
	// One more than asked for tells whether there is another page.
	items, err := s.cfg.Store.Meetings(ctx, MeetingQuery{Limit: limit + 1, Filter: q.Filter, After: after})
	if err != nil {
		return Page{}, err
	}
	page := Page{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		page.NextToken = nextToken(items[limit-1])
	}
	return page, nil
}

// Update changes a meeting.
func (s *Service) Update(ctx context.Context, actor authz.Actor, change MeetingChange) (Meeting, error) {
	var m Meeting
	err := s.cfg.Store.Write(ctx, func(tx Tx) (err error) {
		if m, err = find(ctx, tx, actor, authz.MeetingUpdate, change.ID); err != nil {
			return err
		}
		change.apply(&m)
		if err := m.check(); err != nil {
			return err
		}
		return s.saveMeeting(ctx, tx, &m)
	})
	if err != nil {
		return Meeting{}, err
	}
	return m, nil
}

func (c MeetingChange) apply(m *Meeting) {
	if c.Title != nil {
		m.Title = strings.TrimSpace(*c.Title)
	}
	if c.Description != nil {
		m.Description = *c.Description
	}
	if c.ConferenceID != nil {
		m.ConferenceID = *c.ConferenceID
	}
}

// saveMeeting writes a changed meeting and tells the change feed.
func (s *Service) saveMeeting(ctx context.Context, tx Tx, m *Meeting) error {
	m.UpdatedAt = s.now()
	if err := tx.UpdateMeeting(ctx, *m); err != nil {
		return err
	}
	return emit(ctx, tx, events.MeetingUpdated, m.ID, *m, m.UpdatedAt)
}

// Delete removes a meeting and ends its open conference. It returns the row as it was.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id string) (Meeting, error) {
	var m Meeting
	err := s.cfg.Store.Write(ctx, func(tx Tx) (err error) {
		if m, err = find(ctx, tx, actor, authz.MeetingDelete, id); err != nil {
			return err
		}
		if err := tx.DeleteMeeting(ctx, id); err != nil {
			return err
		}
		if err := emit(ctx, tx, events.MeetingDeleted, m.ID, m, s.now()); err != nil {
			return err
		}
		c, err := tx.OpenConferenceOf(ctx, id)
		if errs.CodeOf(err) == errs.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		return s.end(ctx, tx, c)
	})
	if err != nil {
		return Meeting{}, err
	}
	return m, nil
}

// nextToken encodes the place of m in the list. It is opaque to clients but no secret.
func nextToken(m Meeting) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(m.CreatedAt.UnixMicro(), 10) + " " + m.ID))
}

func parseNextToken(token string) (*Position, error) {
	if token == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	micros, id, ok := strings.Cut(string(b), " ")
	n, numErr := strconv.ParseInt(micros, 10, 64)
	if err != nil || !ok || numErr != nil || !validID(id) {
		return nil, errs.Field("nextToken", "The token is not one that this list has given.")
	}
	return &Position{CreatedAt: time.UnixMicro(n).UTC(), ID: id}, nil
}
