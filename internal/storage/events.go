package storage

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"carillon/internal/events"
)

// After implements events.Log.
func (s *Store) After(ctx context.Context, seq int64, limit int) ([]events.Event, error) {
	return collect(ctx, s.q, scanEvent,
		`SELECT seq, type, subject, payload, at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, limit)
}

func scanEvent(r row) (events.Event, error) {
	var e events.Event
	var payload string
	var at int64
	err := r.Scan(&e.Seq, &e.Type, &e.Subject, &payload, &at)
	e.Payload, e.At = []byte(payload), fromMicros(at)
	return e, err
}

// Last implements events.Log.
func (s *Store) Last(ctx context.Context) (int64, error) {
	var seq int64
	err := s.q.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM events`).Scan(&seq)
	return seq, scanned(err, "event")
}

// Cursor implements events.Log.
func (s *Store) Cursor(ctx context.Context, consumer string) (int64, error) {
	var seq int64
	err := s.q.QueryRowContext(ctx, `SELECT seq FROM event_cursors WHERE consumer = $1`, consumer).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, scanned(err, "cursor")
}

// SetCursor implements events.Log.
func (s *Store) SetCursor(ctx context.Context, consumer string, seq int64) error {
	_, err := exec(ctx, s.write, s.dialect, `INSERT INTO event_cursors (consumer, seq) VALUES ($1, $2)
		ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq`, consumer, seq)
	return err
}

// Prune implements events.Log.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	_, err := exec(ctx, s.write, s.dialect, `DELETE FROM events WHERE at < $1`, micros(before))
	return err
}

// Emit implements meetings.Tx.
func (t *tx) Emit(ctx context.Context, e events.Event) error {
	t.emitted = true
	_, err := exec(ctx, t.q, t.dialect, `INSERT INTO events (type, subject, payload, at) VALUES ($1, $2, $3, $4)`,
		e.Type, e.Subject, string(e.Payload), micros(e.At))
	return err
}
