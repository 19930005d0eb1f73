package storage

import (
	"context"
	"encoding/json"

	"carillon/internal/timeline"
)

// AppendClientEvents implements timeline.Store.
func (s *Store) AppendClientEvents(ctx context.Context, conferenceID, attendeeID string, list []timeline.Event, maxConference, maxAttendee int) (stored int, err error) {
	err = s.inTx(ctx, func(q querier) error {
		var last, own int64
		err := q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM client_events WHERE conference_id = $1`, conferenceID).Scan(&last)
		if err == nil {
			err = q.QueryRowContext(ctx, `SELECT count(*) FROM client_events WHERE conference_id = $1 AND attendee_id = $2`,
				conferenceID, attendeeID).Scan(&own)
		}
		if err := scanned(err, "client event"); err != nil {
			return err
		}
		room := min(int64(maxConference)-last, int64(maxAttendee)-own, int64(len(list)))
		for i := range max(0, room) {
			if err := s.insertClientEvent(ctx, q, list[i], last+i+1); err != nil {
				return err
			}
		}
		stored = int(max(0, room))
		return nil
	})
	return stored, err
}

func (s *Store) insertClientEvent(ctx context.Context, q querier, e timeline.Event, seq int64) error {
	client, err := json.Marshal(e.Client)
	if err != nil {
		return err
	}
	_, err = exec(ctx, q, s.dialect, `INSERT INTO client_events (conference_id, seq, attendee_id, name, at, received_at, client, attributes)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ConferenceID, seq, e.AttendeeID, e.Name, micros(e.At), micros(e.ReceivedAt), string(client), string(e.Attributes))
	return err
}

// ClientEvents implements timeline.Store.
func (s *Store) ClientEvents(ctx context.Context, conferenceID string, after int64, limit int) ([]timeline.Event, error) {
	return collect(ctx, s.read, scanClientEvent, `SELECT conference_id, seq, attendee_id, name, at, received_at, client, attributes
		FROM client_events WHERE conference_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`, conferenceID, after, limit)
}

func scanClientEvent(r row) (timeline.Event, error) {
	var e timeline.Event
	var at, received int64
	var client, attributes string
	if err := r.Scan(&e.ConferenceID, &e.Seq, &e.AttendeeID, &e.Name, &at, &received, &client, &attributes); err != nil {
		return e, err
	}
	e.At, e.ReceivedAt, e.Attributes = fromMicros(at), fromMicros(received), json.RawMessage(attributes)
	return e, json.Unmarshal([]byte(client), &e.Client)
}
