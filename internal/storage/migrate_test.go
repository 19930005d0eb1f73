package storage_test

import (
	"database/sql"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"carillon/internal/accounts"
	"carillon/internal/meetings"
	"carillon/internal/storage/migrations"
	"carillon/internal/webhooks"
)

// first are rows as the first schema has them.
const first = `
INSERT INTO api_keys VALUES ('CK1', 'old', 'sealed', 1, 2, NULL);
INSERT INTO conferences VALUES ('c1', 'standup', 'eu-central-1', '', '', 'CK1', 'token', '{}', '', '["t"]', '{"k":"v"}', 1000000, NULL, 1000000);
INSERT INTO conferences VALUES ('c2', 'ended', 'eu-central-1', '', '', 'CK1', 'token', '{}', '', 'null', 'null', 1000000, 2000000, 1000000);
INSERT INTO attendees VALUES ('a1', 'c1', 'ann', '', 'SendReceive', 'SendReceive', 'SendReceive', 1000000);
INSERT INTO events (type, subject, payload, at) VALUES ('conference.created', 'c1', '{"id":"c1"}', 1000000);
INSERT INTO event_cursors VALUES ('meetings', 1);`

// migrate brings a database file to a version of the schema and runs statements on it.
func migrate(t *testing.T, path string, version int64, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(1)")
	ok(t, err)
	defer db.Close()
	files, err := fs.Sub(migrations.Files, "sqlite")
	ok(t, err)
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	ok(t, err)
	_, err = provider.UpTo(t.Context(), version)
	ok(t, err)
	_, err = db.Exec(statements)
	ok(t, err)
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A database of each earlier version of the schema opens with everything that was in it, and what is new works on
// the old rows.
func TestMigratesRows(t *testing.T) {
	for name, steps := range map[string]func(path string){
		"from the first": func(path string) { migrate(t, path, 1, first) },
		"in steps": func(path string) {
			migrate(t, path, 1, first)
			migrate(t, path, 10, `UPDATE api_keys SET rate = 0; UPDATE attendees SET tags = '{}'`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.db")
			steps(path)
			s, ctx := open(t, path, nil), t.Context()
			k, sealed, err := s.Key(ctx, "CK1")
			ok(t, err)
			if sealed != "sealed" || k.Limits != (accounts.KeyLimits{}) {
				t.Errorf("key %+v, %q", k, sealed)
			}
			c, err := s.OpenConferenceByRequest(ctx, "CK1", "token")
			ok(t, err)
			if c.ID != "c1" || c.Tags["k"] != "v" || c.TenantIDs[0] != "t" {
				t.Errorf("conference %+v", c)
			}
			tags, err := s.AttendeeTags(ctx, "c1", "a1")
			ok(t, err)
			list, err := s.Attendees(ctx, "c1", nil, 10)
			ok(t, err)
			if len(tags) != 0 || len(list) != 1 || list[0].ExternalUserID != "ann" {
				t.Errorf("attendees %+v with tags %v", list, tags)
			}
			if n, err := s.CountOpenConferences(ctx, "CK1"); err != nil || n != 1 {
				t.Errorf("%d open conferences, %v", n, err)
			}
			if at, err := s.Cursor(ctx, "meetings"); err != nil || at != 1 {
				t.Errorf("cursor %d, %v", at, err)
			}
			ok(t, s.Write(ctx, func(tx meetings.Tx) error { return tx.SetAttendeeTags(ctx, "c1", "a1", map[string]string{"x": "y"}) }))
			ok(t, s.InsertWebhook(ctx, webhooks.Webhook{ID: "w", KeyID: "CK1", CreatedAt: time.Now()}, 1))
			ok(t, s.PruneConferences(ctx, time.UnixMicro(3000000)))
			if _, err := s.Conference(ctx, "c2"); err == nil {
				t.Error("the ended conference was not pruned")
			}
		})
	}
}
