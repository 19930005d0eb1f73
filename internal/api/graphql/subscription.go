package graphql

import (
	"context"
	"encoding/json"

	"carillon/internal/authz"
	"carillon/internal/events"
	"carillon/internal/meetings"
)

type subscription struct{ *resolver }

func (s subscription) OnCreateMeeting(ctx context.Context, owner *string) (<-chan *meetings.Meeting, error) {
	return s.changes(ctx, events.MeetingCreated, owner)
}

func (s subscription) OnUpdateMeeting(ctx context.Context, owner *string) (<-chan *meetings.Meeting, error) {
	return s.changes(ctx, events.MeetingUpdated, owner)
}

func (s subscription) OnDeleteMeeting(ctx context.Context, owner *string) (<-chan *meetings.Meeting, error) {
	return s.changes(ctx, events.MeetingDeleted, owner)
}

// changes delivers the meetings of one type of event until ctx, the context of the operation, ends. The
// goroutine belongs to the socket, which waits for it.
func (s subscription) changes(ctx context.Context, kind events.Type, owner *string) (<-chan *meetings.Meeting, error) {
	c := callerOf(ctx)
	if err := authz.Check(c.session.Account.Actor(), authz.MeetingRead, authz.Resource{}); err != nil {
		return nil, err
	}
	changes := s.Feed.Subscribe(kind)
	out := make(chan *meetings.Meeting)
	c.socket.tasks.Go(func() {
		defer close(out)
		defer changes.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case event, ok := <-changes.C():
				if !ok {
					// The socket did not keep up, or the feed stops. Either way events are missing now, so the
					// client has to connect again and look at the list afresh.
					c.socket.stop(closeTryAgain)
					return
				}
				s.deliver(ctx, out, event, owner)
			}
		}
	})
	return out, nil
}

func (s subscription) deliver(ctx context.Context, out chan<- *meetings.Meeting, event events.Event, owner *string) {
	var m meetings.Meeting
	if err := json.Unmarshal(event.Payload, &m); err != nil {
		s.Logger.Error("an event has an unreadable payload", "type", event.Type, "seq", event.Seq, "err", err)
		return
	}
	if owner != nil && m.OwnerID != *owner {
		return
	}
	select {
	case out <- &m:
	case <-ctx.Done():
	}
}
