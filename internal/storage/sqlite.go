package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"carillon/internal/storage/migrations"
)

// How many connections read at the same time.
const sqliteReaders = 4

func sqliteDialect() dialect {
	return dialect{
		contains:   "instr(%[1]s, %[2]s) > 0",
		beginsWith: "substr(%[1]s, 1, length(%[2]s)) = %[2]s",
		isUnique: func(err error) bool {
			var e *sqlite.Error
			return errors.As(err, &e) &&
				(e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
		},
	}
}

// openSQLite opens the file twice: one connection that writes, so that writers of this process wait for each
// other in the order they came and not by polling the file lock, and a few that can only read.
func openSQLite(ctx context.Context, path string, logger *slog.Logger) (write, read *sql.DB, err error) {
	if err := createPrivate(path); err != nil {
		return nil, nil, err
	}
	if write, err = sql.Open("sqlite", sqliteDSN(path, "_txlock=immediate")); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if err := migrateSQLite(ctx, write, filepath.Dir(path), logger); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	if read, err = sql.Open("sqlite", sqliteDSN(path, "_pragma=query_only(1)")); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	return write, read, nil
}

// createPrivate makes the file, because SQLite would let other users of the machine read it. The files
// that SQLite puts beside it get the same mode.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteDSN builds a file URI (sqlite.org/uri.html).
//
// The write-ahead log lets readers work while somebody writes. With synchronous=FULL each commit reaches
// the disk before it is reported, so neither a killed process nor a power cut loses it. busy_timeout is
// how long to wait for another process.
func sqliteDSN(path, extra string) string {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	return u.String() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=journal_size_limit(16777216)&" + extra
}

// migrateSQLite brings the schema up to date, one process at a time.
func migrateSQLite(ctx context.Context, db *sql.DB, dir string, logger *slog.Logger) error {
	unlock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer unlock()
	files, err := fs.Sub(migrations.Files, "sqlite")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	for _, r := range results {
		logger.Info("changed the schema of the database", "version", r.Source.Version, "took", r.Duration)
	}
	return nil
}

// lockDir locks the directory of the database and not the file itself, because closing the file would also
// drop the locks that SQLite holds on it in this process (POSIX advisory locks).
func lockDir(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}
