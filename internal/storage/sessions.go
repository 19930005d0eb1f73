package storage

import (
	"context"
	"database/sql"
	"time"

	"carillon/internal/accounts"
)

// InsertSession implements accounts.Store.
func (s *Store) InsertSession(ctx context.Context, v accounts.Session, tokenDigest, userAgent string) error {
	_, err := exec(ctx, s.write, s.dialect, `INSERT INTO sessions
		(id, token_digest, account_id, user_agent, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		v.ID, tokenDigest, v.Account.ID, userAgent, micros(v.CreatedAt), micros(v.ExpiresAt))
	return err
}

// SessionByToken implements accounts.Store.
func (s *Store) SessionByToken(ctx context.Context, tokenDigest string) (accounts.Session, error) {
	var v accounts.Session
	var created, expires int64
	r := s.q.QueryRowContext(ctx, `SELECT `+accountColumns+`, sessions.id, sessions.created_at, sessions.expires_at
		FROM sessions JOIN accounts ON accounts.id = sessions.account_id WHERE sessions.token_digest = $1`, tokenDigest)
	a, err := scanAccount(r, &v.ID, &created, &expires)
	v.Account, v.CreatedAt, v.ExpiresAt = a, fromMicros(created), fromMicros(expires)
	return v, scanned(err, "session")
}

// ExtendSession implements accounts.Store.
func (s *Store) ExtendSession(ctx context.Context, sessionID string, expiresAt time.Time) error {
	_, err := exec(ctx, s.write, s.dialect, `UPDATE sessions SET expires_at = $2 WHERE id = $1`, sessionID, micros(expiresAt))
	return err
}

// DeleteSession implements accounts.Store.
func (s *Store) DeleteSession(ctx context.Context, tokenDigest string) error {
	_, err := exec(ctx, s.write, s.dialect, `DELETE FROM sessions WHERE token_digest = $1`, tokenDigest)
	return err
}

// DeleteExpiredSessions implements accounts.Store.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	_, err := exec(ctx, s.write, s.dialect, `DELETE FROM sessions WHERE expires_at <= $1`, micros(now))
	return err
}

const keyColumns = `id, name, created_at, last_used_at, revoked_at, rate, max_conferences`

func scanKey(r row, more ...any) (accounts.APIKey, error) {
	var k accounts.APIKey
	var created int64
	var used, revoked sql.NullInt64
	err := r.Scan(append([]any{&k.ID, &k.Name, &created, &used, &revoked, &k.Limits.Rate, &k.Limits.MaxConferences}, more...)...)
	k.CreatedAt, k.LastUsedAt, k.RevokedAt = fromMicros(created), fromNullMicros(used), fromNullMicros(revoked)
	return k, err
}

// InsertKey implements accounts.Store.
func (s *Store) InsertKey(ctx context.Context, k accounts.APIKey, sealed string) error {
	_, err := exec(ctx, s.write, s.dialect, `INSERT INTO api_keys (`+keyColumns+`, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		k.ID, k.Name, micros(k.CreatedAt), nullMicros(k.LastUsedAt), nullMicros(k.RevokedAt), k.Limits.Rate, k.Limits.MaxConferences, sealed)
	return err
}

// Key implements accounts.Store.
func (s *Store) Key(ctx context.Context, id string) (accounts.APIKey, string, error) {
	var sealed string
	k, err := scanKey(s.q.QueryRowContext(ctx, `SELECT `+keyColumns+`, sealed FROM api_keys WHERE id = $1`, id), &sealed)
	return k, sealed, scanned(err, "access key")
}

// Keys implements accounts.Store.
func (s *Store) Keys(ctx context.Context) ([]accounts.APIKey, error) {
	return collect(ctx, s.q, func(r row) (accounts.APIKey, error) { return scanKey(r) },
		`SELECT `+keyColumns+` FROM api_keys ORDER BY created_at, id`)
}

// SetKeyLimits implements accounts.Store.
func (s *Store) SetKeyLimits(ctx context.Context, id string, limits accounts.KeyLimits) error {
	return execOne(ctx, s.write, s.dialect, "access key",
		`UPDATE api_keys SET rate = $2, max_conferences = $3 WHERE id = $1`, id, limits.Rate, limits.MaxConferences)
}

// RevokeKey implements accounts.Store.
func (s *Store) RevokeKey(ctx context.Context, id string, at time.Time) error {
	return execOne(ctx, s.write, s.dialect, "access key",
		`UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1`, id, micros(at))
}

// TouchKey implements accounts.Store.
func (s *Store) TouchKey(ctx context.Context, id string, at time.Time) error {
	_, err := exec(ctx, s.write, s.dialect, `UPDATE api_keys SET last_used_at = $2 WHERE id = $1`, id, micros(at))
	return err
}
