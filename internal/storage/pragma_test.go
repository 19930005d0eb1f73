package storage

import (
	"log/slog"
	"path/filepath"
	"testing"
)

// TestSettings reads back what every connection depends on; SQLite takes a misspelt setting without a word.
func TestSettings(t *testing.T) {
	s, err := Open(t.Context(), Options{DSN: "sqlite://" + filepath.Join(t.TempDir(), "a.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const full = "2" // synchronous=FULL: a commit is on the disk when it returns
	for name, db := range map[string]querier{"write": s.group.writer.conn, "read": s.read} {
		readOnly := map[string]string{"write": "0", "read": "1"}[name]
		for setting, want := range map[string]string{"journal_mode": "wal", "synchronous": full, "foreign_keys": "1",
			"busy_timeout": "10000", "query_only": readOnly} {
			var got string
			if err := db.QueryRowContext(t.Context(), "PRAGMA "+setting).Scan(&got); err != nil || got != want {
				t.Errorf("%s: %s is %q, want %q (%v)", name, setting, got, want, err)
			}
		}
	}
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM accounts"); err == nil {
		t.Error("a reading connection has written")
	}
}
