package storage

import (
	"context"
	"database/sql"
	"encoding/json"

	"carillon/internal/errs"
	"carillon/internal/webhooks"
)

const webhookColumns = `id, key_id, name, url, event_types, created_at, sealed, previous_sealed, previous_until`

func scanWebhook(r row) (webhooks.Webhook, error) {
	var w webhooks.Webhook
	var types string
	var created int64
	var until sql.NullInt64
	if err := r.Scan(&w.ID, &w.KeyID, &w.Name, &w.URL, &types, &created, &w.Sealed, &w.PreviousSealed, &until); err != nil {
		return w, err
	}
	w.CreatedAt, w.PreviousUntil = fromMicros(created), fromNullMicros(until)
	return w, json.Unmarshal([]byte(types), &w.EventTypes)
}

// InsertWebhook implements webhooks.Store.
func (s *Store) InsertWebhook(ctx context.Context, w webhooks.Webhook, limit int) error {
	types, err := json.Marshal(w.EventTypes)
	if err != nil {
		return err
	}
	return s.inTx(ctx, func(q querier) error {
		var n int
		err := q.QueryRowContext(ctx, `SELECT count(*) FROM webhooks WHERE key_id = $1`, w.KeyID).Scan(&n)
		if err != nil {
			return scanned(err, "webhook")
		}
		if n >= limit {
			return errs.New(errs.LimitExceeded, "There are %d webhooks already, which is the limit.", n)
		}
		_, err = exec(ctx, q, s.dialect, `INSERT INTO webhooks (`+webhookColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			w.ID, w.KeyID, w.Name, w.URL, string(types), micros(w.CreatedAt), w.Sealed, w.PreviousSealed, nullMicros(w.PreviousUntil))
		return err
	})
}

// KeyWorks implements webhooks.Store.
func (s *Store) KeyWorks(ctx context.Context, keyID string) (bool, error) {
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM api_keys WHERE id = $1 AND revoked_at IS NULL`, keyID).Scan(&n)
	return n > 0, scanned(err, "access key")
}

// Webhook implements webhooks.Store.
func (s *Store) Webhook(ctx context.Context, id string) (webhooks.Webhook, error) {
	w, err := scanWebhook(s.read.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM webhooks WHERE id = $1`, id))
	return w, scanned(err, "webhook")
}

// Webhooks implements webhooks.Store.
func (s *Store) Webhooks(ctx context.Context) ([]webhooks.Webhook, error) {
	return collect(ctx, s.read, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks ORDER BY created_at, id`)
}

// ActiveWebhooks implements webhooks.Store.
func (s *Store) ActiveWebhooks(ctx context.Context) ([]webhooks.Webhook, error) {
	return collect(ctx, s.read, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks WHERE key_id = ''
		OR EXISTS (SELECT 1 FROM api_keys WHERE api_keys.id = webhooks.key_id AND revoked_at IS NULL) ORDER BY created_at, id`)
}

// DeleteWebhook implements webhooks.Store.
func (s *Store) DeleteWebhook(ctx context.Context, id string) error {
	return execOne(ctx, s.write, s.dialect, "webhook", `DELETE FROM webhooks WHERE id = $1`, id)
}

// SetWebhookSecret implements webhooks.Store.
func (s *Store) SetWebhookSecret(ctx context.Context, w webhooks.Webhook) error {
	return execOne(ctx, s.write, s.dialect, "webhook",
		`UPDATE webhooks SET sealed = $2, previous_sealed = $3, previous_until = $4 WHERE id = $1`,
		w.ID, w.Sealed, w.PreviousSealed, nullMicros(w.PreviousUntil))
}
