package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"carillon/internal/webhooks"
)

const deliveryColumns = `id, webhook_id, lane, seq, event_id, event_type, body, state, attempts, status, error,
	created_at, queued_at, next_at, finished_at`

func scanDelivery(r row) (webhooks.Delivery, error) {
	var d webhooks.Delivery
	var body string
	var created, queued, next int64
	var finished sql.NullInt64
	err := r.Scan(&d.ID, &d.WebhookID, &d.Lane, &d.Seq, &d.EventID, &d.EventType, &body, &d.State, &d.Attempts, &d.Status, &d.Error,
		&created, &queued, &next, &finished)
	d.Body, d.CreatedAt, d.QueuedAt, d.NextAt = []byte(body), fromMicros(created), fromMicros(queued), fromMicros(next)
	d.FinishedAt = fromNullMicros(finished)
	return d, err
}

// Enqueue implements webhooks.Store.
func (s *Store) Enqueue(ctx context.Context, list []webhooks.Delivery) error {
	return s.inTx(ctx, func(q querier) error {
		there := make(map[string]int)
		for _, d := range list {
			if _, asked := there[d.WebhookID]; !asked {
				var n int
				err := q.QueryRowContext(ctx, `SELECT count(*) FROM webhooks WHERE id = $1`, d.WebhookID).Scan(&n)
				if err := scanned(err, "webhook"); err != nil {
					return err
				}
				there[d.WebhookID] = n
			}
			if there[d.WebhookID] == 0 {
				continue
			}
			if err := s.insertDelivery(ctx, q, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) insertDelivery(ctx context.Context, q querier, d webhooks.Delivery) error {
	n, err := exec(ctx, q, s.dialect, `INSERT INTO webhook_deliveries (`+deliveryColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9, $10, $11, $12, $13, $14) ON CONFLICT (webhook_id, seq) DO NOTHING`,
		d.ID, d.WebhookID, d.Lane, d.Seq, d.EventID, d.EventType, string(d.Body), d.Attempts, d.Status, d.Error,
		micros(d.CreatedAt), micros(d.QueuedAt), micros(d.NextAt), nullMicros(d.FinishedAt))
	if err != nil || n == 0 {
		return err
	}
	return s.advanceLane(ctx, q, d.WebhookID, d.Lane)
}

// advanceLane makes the first delivery of a lane due, if none is, and all of those in no lane.
func (s *Store) advanceLane(ctx context.Context, q querier, webhookID, lane string) error {
	if lane == "" {
		_, err := exec(ctx, q, s.dialect, `UPDATE webhook_deliveries SET state = 'due'
			WHERE webhook_id = $1 AND lane = '' AND state = 'waiting'`, webhookID)
		return err
	}
	const inLane = `webhook_id = $1 AND lane = $2 AND state IN ('due', 'waiting')`
	_, err := exec(ctx, q, s.dialect, `UPDATE webhook_deliveries SET state = 'due'
		WHERE webhook_id = $1 AND seq = (SELECT min(seq) FROM webhook_deliveries WHERE `+inLane+`)
		AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE `+inLane+` AND state = 'due')`, webhookID, lane)
	return err
}

// DueDeliveries implements webhooks.Store.
func (s *Store) DueDeliveries(ctx context.Context, webhookID string, now time.Time, limit int) ([]webhooks.Delivery, error) {
	return collect(ctx, s.read, scanDelivery, `SELECT `+deliveryColumns+` FROM webhook_deliveries
		WHERE webhook_id = $1 AND state = 'due' AND next_at <= $2 ORDER BY next_at, seq LIMIT $3`, webhookID, micros(now), limit)
}

// RecordAttempt implements webhooks.Store.
func (s *Store) RecordAttempt(ctx context.Context, d webhooks.Delivery) error {
	return s.inTx(ctx, func(q querier) error {
		err := execOne(ctx, q, s.dialect, "delivery", `UPDATE webhook_deliveries SET state = $2, attempts = $3, status = $4, error = $5,
			next_at = $6, finished_at = $7 WHERE id = $1`,
			d.ID, d.State, d.Attempts, d.Status, d.Error, micros(d.NextAt), nullMicros(d.FinishedAt))
		if err != nil || d.FinishedAt == nil {
			return err
		}
		return s.advanceLane(ctx, q, d.WebhookID, d.Lane)
	})
}

// selectDeliveries is the condition of a query, and its arguments.
func selectDeliveries(webhookID string, q webhooks.Query) (where string, args []any) {
	parts, args := []string{`webhook_id = $1`}, []any{webhookID}
	and := func(condition string, arg any) {
		args = append(args, arg)
		parts = append(parts, fmt.Sprintf(condition, fmt.Sprintf("$%d", len(args))))
	}
	if q.DeliveryID != "" {
		and(`id = %s`, q.DeliveryID)
	}
	if q.State != "" {
		and(`state = %s`, q.State)
	}
	if !q.Since.IsZero() {
		and(`created_at >= %s`, micros(q.Since))
	}
	return strings.Join(parts, ` AND `), args
}

// Deliveries implements webhooks.Store.
func (s *Store) Deliveries(ctx context.Context, webhookID string, q webhooks.Query) ([]webhooks.Delivery, error) {
	where, args := selectDeliveries(webhookID, q)
	query := `SELECT ` + deliveryColumns + ` FROM webhook_deliveries WHERE ` + where + ` ORDER BY created_at DESC, seq DESC`
	if q.Limit > 0 {
		args = append(args, q.Limit)
		query += fmt.Sprintf(` LIMIT $%d`, len(args))
	}
	return collect(ctx, s.read, scanDelivery, query, args...)
}

// ReplayDeliveries implements webhooks.Store.
func (s *Store) ReplayDeliveries(ctx context.Context, webhookID string, q webhooks.Query, now time.Time) (n int, err error) {
	where, args := selectDeliveries(webhookID, q)
	where += ` AND state IN ('delivered', 'dead')`
	err = s.inTx(ctx, func(tx querier) error {
		lanes, err := collect(ctx, tx, func(r row) (lane string, err error) { return lane, r.Scan(&lane) },
			`SELECT DISTINCT lane FROM webhook_deliveries WHERE `+where, args...)
		if err != nil {
			return err
		}
		args := append(args, micros(now))
		at := fmt.Sprintf("$%d", len(args))
		affected, err := exec(ctx, tx, s.dialect, `UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, status = 0, error = '',
			queued_at = `+at+`, next_at = `+at+`, finished_at = NULL WHERE `+where, args...)
		if err != nil {
			return err
		}
		n = int(affected)
		for _, lane := range lanes {
			if err := s.advanceLane(ctx, tx, webhookID, lane); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// CountDeliveries implements webhooks.Store.
func (s *Store) CountDeliveries(ctx context.Context, webhookID string) (n int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*) FROM webhook_deliveries WHERE webhook_id = $1 AND state IN ('due', 'waiting')`,
		webhookID).Scan(&n)
	return n, scanned(err, "delivery")
}

// PruneDeliveries implements webhooks.Store.
func (s *Store) PruneDeliveries(ctx context.Context, deliveredBefore, deadBefore time.Time) error {
	_, err := exec(ctx, s.write, s.dialect, `DELETE FROM webhook_deliveries WHERE state = 'delivered' AND finished_at < $1
		OR state = 'dead' AND finished_at < $2`, micros(deliveredBefore), micros(deadBefore))
	if err != nil {
		return err
	}
	_, err = exec(ctx, s.write, s.dialect, `DELETE FROM webhook_deliveries WHERE state IN ('due', 'waiting') AND queued_at < $1
		AND webhook_id IN (SELECT webhooks.id FROM webhooks JOIN api_keys ON api_keys.id = webhooks.key_id
		WHERE api_keys.revoked_at IS NOT NULL)`, micros(deadBefore))
	return err
}
