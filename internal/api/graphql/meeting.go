package graphql

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"carillon/internal/api/graphql/graph"
	"carillon/internal/errs"
	"carillon/internal/meetings"
)

func (q query) GetMeeting(ctx context.Context, id string) (*meetings.Meeting, error) {
	m, err := q.Meetings.Get(ctx, actorOf(ctx), id)
	if errs.CodeOf(err) == errs.NotFound {
		return nil, nil
	}
	return orNil(m, err)
}

func (q query) ListMeetings(ctx context.Context, filter *graph.ModelMeetingFilterInput, limit *int, nextToken *string) (*graph.ModelMeetingConnection, error) {
	if limit != nil && *limit <= 0 {
		return nil, errs.Field("limit", "The limit must be at least 1.")
	}
	narrowed, possible := filterOf(filter)
	if !possible {
		return &graph.ModelMeetingConnection{Items: []*meetings.Meeting{}}, nil
	}
	page, err := q.Meetings.List(ctx, actorOf(ctx), meetings.ListQuery{
		Limit:     value(limit),
		NextToken: value(nextToken),
		Filter:    narrowed,
	})
	if err != nil {
		return nil, err
	}
	out := &graph.ModelMeetingConnection{Items: make([]*meetings.Meeting, len(page.Items))}
	for i := range page.Items {
		out.Items[i] = &page.Items[i]
	}
	if page.NextToken != "" {
		out.NextToken = &page.NextToken
	}
	return out, nil
}

// filterOf translates a filter. possible is false when no meeting can pass: an id or owner equal to the
// empty string, which in meetings.Filter stands for any.
func filterOf(in *graph.ModelMeetingFilterInput) (out meetings.Filter, possible bool) {
	if in == nil {
		return out, true
	}
	for _, id := range []*graph.ModelIDInput{in.ID, in.Owner} {
		if id != nil && id.Eq != nil && *id.Eq == "" {
			return out, false
		}
	}
	if in.ID != nil {
		out.ID = value(in.ID.Eq)
	}
	if in.Owner != nil {
		out.OwnerID = value(in.Owner.Eq)
	}
	out.Title = matchOf(in.Title)
	out.Description = matchOf(in.Description)
	return out, true
}

func matchOf(in *graph.ModelStringInput) meetings.Match {
	if in == nil {
		return meetings.Match{}
	}
	return meetings.Match{Equals: in.Eq, Contains: value(in.Contains), BeginsWith: value(in.BeginsWith)}
}

func (m mutation) CreateMeeting(ctx context.Context, input graph.CreateMeetingInput) (*meetings.Meeting, error) {
	return orNil(m.Meetings.Create(ctx, actorOf(ctx), meetings.NewMeeting{
		ID:           value(input.ID),
		Title:        input.Title,
		Description:  value(input.Description),
		ConferenceID: value(input.MeetingID),
	}))
}

func (m mutation) UpdateMeeting(ctx context.Context, input graph.UpdateMeetingInput) (*meetings.Meeting, error) {
	change := meetings.MeetingChange{ID: input.ID}
	var err error
	if change.Title, err = required("title", input.Title); err != nil {
		return nil, err
	}
	if change.ConferenceID, err = required("meetingId", input.MeetingID); err != nil {
		return nil, err
	}
	if description, given := input.Description.ValueOK(); given {
		change.Description = new(value(description))
	}
	return orNil(m.Meetings.Update(ctx, actorOf(ctx), change))
}

// required returns nil for an absent member and refuses an explicit null, which the schema cannot
// forbid for a member that may be absent.
func required(field string, in graphql.Omittable[*string]) (*string, error) {
	text, given := in.ValueOK()
	if given && text == nil {
		return nil, errs.Field(field, "Null is not allowed here.")
	}
	return text, nil
}

func (m mutation) DeleteMeeting(ctx context.Context, input graph.DeleteMeetingInput) (*meetings.Meeting, error) {
	return orNil(m.Meetings.Delete(ctx, actorOf(ctx), input.ID))
}

func orNil(m meetings.Meeting, err error) (*meetings.Meeting, error) {
	if err != nil {
		return nil, err
	}
	return &m, nil
}

// value returns what p points to, the zero value when it is nil.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
