package storage

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// prepared runs statements that read, and has each text parsed only once for each connection. The texts are
// constants and a few combinations of conditions, so there are not many.
type prepared struct {
	db *sql.DB

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

func newPrepared(db *sql.DB) *prepared { return &prepared{db: db, stmts: make(map[string]*sql.Stmt)} }

func (p *prepared) stmt(query string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.stmts[query]
	p.mu.RUnlock()
	if s != nil {
		return s, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if s = p.stmts[query]; s != nil {
		return s, nil
	}
	// Without the context of the first caller, who may go away while others wait for the statement.
	s, err := p.db.Prepare(query)
	if err != nil {
		return nil, fmt.Errorf("storage: prepare: %w", err)
	}
	p.stmts[query] = s
	return s, nil
}

// QueryContext implements querier.
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext implements querier. A statement that cannot be prepared is run as it is, for its error.
func (p *prepared) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.stmt(query)
	if err != nil {
		return p.db.QueryRowContext(ctx, query, args...)
	}
	return s.QueryRowContext(ctx, args...)
}

// ExecContext implements querier.
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}
