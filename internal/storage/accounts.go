package storage

import (
	"context"
	"encoding/json"
	"strings"

	"carillon/internal/accounts"
	"carillon/internal/errs"
)

const accountColumns = `accounts.id, accounts.email, accounts.name, accounts.confirmed, accounts.disabled,
	accounts.group_names, accounts.created_at`

// emailKey is what two spellings of one address have in common. It is made here and not in SQL, because
// databases differ in what lower case is.
func emailKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// scanAccount scans accountColumns and whatever columns follow them.
func scanAccount(r row, more ...any) (accounts.Account, error) {
	var a accounts.Account
	var groups string
	var created int64
	dest := []any{&a.ID, &a.Email, &a.Name, &a.Confirmed, &a.Disabled, &groups, &created}
	if err := r.Scan(append(dest, more...)...); err != nil {
		return a, err
	}
	a.CreatedAt = fromMicros(created)
	return a, json.Unmarshal([]byte(groups), &a.Groups)
}

// InsertAccount implements accounts.Store.
func (s *Store) InsertAccount(ctx context.Context, a accounts.Account, passwordHash string) error {
	groups, err := json.Marshal(a.Groups)
	if err != nil {
		return err
	}
	_, err = exec(ctx, s.write, s.dialect, `INSERT INTO accounts
		(id, email, email_key, name, password_hash, confirmed, disabled, group_names, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		a.ID, a.Email, emailKey(a.Email), a.Name, passwordHash, a.Confirmed, a.Disabled, string(groups), micros(a.CreatedAt))
	if errs.CodeOf(err) == errs.Conflict {
		return &errs.Error{Code: errs.Conflict, Field: "email", Message: "There is an account with this e-mail address already.", Err: err}
	}
	return err
}

// AccountByEmail implements accounts.Store.
func (s *Store) AccountByEmail(ctx context.Context, email string) (accounts.Account, string, error) {
	var hash string
	a, err := scanAccount(s.q.QueryRowContext(ctx,
		`SELECT `+accountColumns+`, password_hash FROM accounts WHERE email_key = $1`, emailKey(email)), &hash)
	return a, hash, scanned(err, "account")
}

// Accounts implements accounts.Store.
func (s *Store) Accounts(ctx context.Context) ([]accounts.Account, error) {
	return collect(ctx, s.q, func(r row) (accounts.Account, error) { return scanAccount(r) },
		`SELECT `+accountColumns+` FROM accounts ORDER BY created_at, id`)
}

// SetAccountName implements accounts.Store.
func (s *Store) SetAccountName(ctx context.Context, accountID, name string) error {
	return execOne(ctx, s.write, s.dialect, "account", `UPDATE accounts SET name = $2 WHERE id = $1`, accountID, name)
}

// ReplaceUnconfirmed implements accounts.Store.
func (s *Store) ReplaceUnconfirmed(ctx context.Context, accountID, name, passwordHash string) error {
	n, err := exec(ctx, s.write, s.dialect,
		`UPDATE accounts SET name = $2, password_hash = $3 WHERE id = $1 AND confirmed = $4`, accountID, name, passwordHash, false)
	if err == nil && n == 0 {
		return errs.New(errs.Conflict, "The account is confirmed already.")
	}
	return err
}

// ConfirmAccount implements accounts.Store.
func (s *Store) ConfirmAccount(ctx context.Context, accountID string) error {
	return s.inTx(ctx, func(q querier) error {
		if _, err := exec(ctx, q, s.dialect, `DELETE FROM confirmation_codes WHERE account_id = $1`, accountID); err != nil {
			return err
		}
		return execOne(ctx, q, s.dialect, "account", `UPDATE accounts SET confirmed = $2 WHERE id = $1`, accountID, true)
	})
}

// SetPassword implements accounts.Store.
func (s *Store) SetPassword(ctx context.Context, accountID, passwordHash, exceptSession string) error {
	return s.inTx(ctx, func(q querier) error {
		if err := execOne(ctx, q, s.dialect, "account", `UPDATE accounts SET password_hash = $2 WHERE id = $1`, accountID, passwordHash); err != nil {
			return err
		}
		_, err := exec(ctx, q, s.dialect, `DELETE FROM sessions WHERE account_id = $1 AND id <> $2`, accountID, exceptSession)
		return err
	})
}

// SetDisabled implements accounts.Store.
func (s *Store) SetDisabled(ctx context.Context, accountID string, disabled bool) error {
	return s.inTx(ctx, func(q querier) error {
		if err := execOne(ctx, q, s.dialect, "account", `UPDATE accounts SET disabled = $2 WHERE id = $1`, accountID, disabled); err != nil {
			return err
		}
		if !disabled {
			return nil
		}
		_, err := exec(ctx, q, s.dialect, `DELETE FROM sessions WHERE account_id = $1`, accountID)
		return err
	})
}

// SetCode implements accounts.Store.
func (s *Store) SetCode(ctx context.Context, accountID string, c accounts.Code) error {
	_, err := exec(ctx, s.write, s.dialect, `INSERT INTO confirmation_codes (account_id, digest, attempts, expires_at)
		VALUES ($1, $2, $3, $4) ON CONFLICT (account_id) DO UPDATE
		SET digest = excluded.digest, attempts = excluded.attempts, expires_at = excluded.expires_at`,
		accountID, c.Digest, c.Attempts, micros(c.ExpiresAt))
	return err
}

// TryCode implements accounts.Store.
func (s *Store) TryCode(ctx context.Context, accountID string) (accounts.Code, error) {
	var c accounts.Code
	var expires int64
	err := s.inTx(ctx, func(q querier) error {
		err := q.QueryRowContext(ctx, `UPDATE confirmation_codes SET attempts = attempts + 1 WHERE account_id = $1
			RETURNING digest, attempts - 1, expires_at`, accountID).Scan(&c.Digest, &c.Attempts, &expires)
		return scanned(err, "code")
	})
	c.ExpiresAt = fromMicros(expires)
	return c, err
}
