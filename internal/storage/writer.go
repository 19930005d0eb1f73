package storage

import (
	"context"
	"database/sql"
	"fmt"
)

// writer is the one connection that writes, with its parsed statements. It is for one goroutine at a time.
// Nobody's context reaches it: an interrupted statement would roll back what the others of a group wrote.
type writer struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	saved      bool // the savepoint of the job under way is set
}

func (w *writer) stmt(query string) (*sql.Stmt, error) {
	if s := w.statements[query]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("storage: prepare: %w", err)
	}
	w.statements[query] = s
	return s, nil
}

// run runs a statement of a transaction itself.
func (w *writer) run(statement string) error {
	s, err := w.stmt(statement)
	if err == nil {
		_, err = s.ExecContext(context.Background())
	}
	if err != nil {
		return fmt.Errorf("storage: %s: %w", statement, err)
	}
	return nil
}

// one runs one job; its failure is its own. The error is one that ends the whole transaction.
func (w *writer) one(j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	w.saved = false
	func() {
		defer func() { j.panicked = recover() }()
		j.emitted, j.err = j.fn(w)
	}()
	if !w.saved {
		return nil
	}
	if j.err != nil || j.panicked != nil {
		j.emitted = false
		if err := w.run("ROLLBACK TO job"); err != nil {
			return err
		}
	}
	return w.run("RELEASE job")
}

// QueryContext implements querier.
func (w *writer) QueryContext(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := w.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

// QueryRowContext implements querier. A statement that cannot be prepared is run as it is, for its error.
func (w *writer) QueryRowContext(_ context.Context, query string, args ...any) *sql.Row {
	s, err := w.prepare(query)
	if err != nil {
		return w.conn.QueryRowContext(context.Background(), query, args...)
	}
	return s.QueryRowContext(context.Background(), args...)
}

// ExecContext implements querier.
func (w *writer) ExecContext(_ context.Context, query string, args ...any) (sql.Result, error) {
	s, err := w.prepare(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// prepare returns a statement of a job. The first one that may change something sets the savepoint.
func (w *writer) prepare(query string) (*sql.Stmt, error) {
	if !w.saved && !isSelect(query) {
		if err := w.run("SAVEPOINT job"); err != nil {
			return nil, err
		}
		w.saved = true
	}
	return w.stmt(query)
}

func isSelect(query string) bool { return len(query) >= 6 && query[:6] == "SELECT" }

// write runs single statements of methods that are a transaction by themselves.
type write struct{ store *Store }

// QueryContext implements querier; nothing that writes returns rows here.
func (w write) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return w.store.q.QueryContext(ctx, query, args...)
}

// QueryRowContext implements querier.
func (w write) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return w.store.q.QueryRowContext(ctx, query, args...)
}

// ExecContext implements querier.
func (w write) ExecContext(ctx context.Context, query string, args ...any) (res sql.Result, err error) {
	err = w.store.join(ctx, func(q querier) (bool, error) {
		res, err = q.ExecContext(ctx, query, args...)
		return false, err
	})
	return res, err
}
