// Package storage keeps accounts, meetings and events in a SQL database. It implements the store interfaces
// that the packages accounts, meetings, events, webhooks and timeline declare, and holds no rules of its own.
//
// There is one implementation, in statements that SQLite and PostgreSQL both understand; what differs is in
// the dialect. The package starts no goroutine.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/timeline"
	"carillon/internal/webhooks"
)

// Options say which database to open.
type Options struct {
	// DSN is "sqlite://" and the path of the file: sqlite:///var/lib/carillon/carillon.db, or
	// sqlite://data/carillon.db from the working directory.
	DSN    string
	Logger *slog.Logger
	// OnCommit is called after each commit that wrote events. It must not block. It may be nil.
	OnCommit func()
}

// Store is an open database. Its methods are safe for use by several goroutines, and several processes may
// have the same database open.
type Store struct {
	reader  // reads what is committed
	read    *sql.DB
	writing *sql.DB // has the one connection of the group
	write   write   // single statements, in the group
	group   group
	commit  func() // Options.OnCommit
}

var (
	_ accounts.Store = (*Store)(nil)
	_ meetings.Store = (*Store)(nil)
	_ events.Log     = (*Store)(nil)
	_ webhooks.Store = (*Store)(nil)
	_ timeline.Store = (*Store)(nil)
)

// Open opens the database, making it when it does not exist, and brings its schema up to date.
func Open(ctx context.Context, o Options) (*Store, error) {
	path, ok := strings.CutPrefix(o.DSN, "sqlite://")
	if !ok || path == "" {
		return nil, errs.Field("database", "The data source name has to be sqlite:// and the path of a file.")
	}
	writing, read, err := openSQLite(ctx, path, o.Logger)
	if err != nil {
		return nil, fmt.Errorf("storage: open %s: %w", path, err)
	}
	conn, err := writing.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("storage: open %s: %w", path, err), writing.Close(), read.Close())
	}
	s := &Store{reader: reader{q: newPrepared(read), dialect: sqliteDialect()}, read: read, writing: writing, commit: o.OnCommit}
	s.write = write{s}
	s.group.writer = writer{conn: conn, statements: make(map[string]*sql.Stmt)}
	if s.commit == nil {
		s.commit = func() {}
	}
	return s, nil
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.read.PingContext(ctx) }

// Close closes the database after running statements have ended.
func (s *Store) Close() error {
	return errors.Join(s.read.Close(), s.group.writer.conn.Close(), s.writing.Close())
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// inTx runs fn in a transaction that writes and emits no events.
func (s *Store) inTx(ctx context.Context, fn func(q querier) error) error {
	return s.join(ctx, func(q querier) (bool, error) { return false, fn(q) })
}

// exec runs a statement on q. It is a Conflict error when the statement would make a second of something
// that must be unique.
func exec(ctx context.Context, q querier, d dialect, query string, args ...any) (affected int64, err error) {
	res, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		if d.isUnique(err) {
			return 0, errs.Wrap(err, errs.Conflict, "It exists already.")
		}
		return 0, fmt.Errorf("storage: %w", err)
	}
	return res.RowsAffected()
}

// execOne runs a statement that has to change one row; it is a NotFound error about what when it does not.
func execOne(ctx context.Context, q querier, d dialect, what, query string, args ...any) error {
	n, err := exec(ctx, q, d, query, args...)
	if err == nil && n == 0 {
		return missing(what)
	}
	return err
}

func missing(what string) error { return errs.New(errs.NotFound, "There is no such %s.", what) }

// scanned turns the error of reading one row into one of ours.
func scanned(err error, what string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return missing(what)
	default:
		return fmt.Errorf("storage: read %s: %w", what, err)
	}
}

// row is what one row is scanned from: *sql.Row or *sql.Rows.
type row interface{ Scan(dest ...any) error }

// collect reads all rows of a query.
func collect[T any](ctx context.Context, q querier, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	defer func() { _ = rows.Close() }() // what can go wrong is in rows.Err
	var list []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("storage: %w", err)
		}
		list = append(list, item)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	return list, nil
}

// micros is how times are stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(n int64) time.Time { return time.UnixMicro(n).UTC() }

func nullMicros(t *time.Time) sql.NullInt64 {
	if t == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: micros(*t), Valid: true}
}

func fromNullMicros(n sql.NullInt64) *time.Time {
	if !n.Valid {
		return nil
	}
	t := fromMicros(n.Int64)
	return &t
}
