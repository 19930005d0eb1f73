package storage_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
	"carillon/internal/storage"
	"carillon/internal/storage/storagetest"
)

func open(t *testing.T, path string, onCommit func()) *storage.Store {
	t.Helper()
	s, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite://" + path, Logger: slog.New(slog.DiscardHandler), OnCommit: onCommit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) *storage.Store {
		return open(t, filepath.Join(t.TempDir(), "carillon.db"), nil)
	})
}

func add(ctx context.Context, s *storage.Store, id string) error {
	return s.Write(ctx, func(tx meetings.Tx) error {
		now := time.Now()
		if err := tx.InsertMeeting(ctx, meetings.Meeting{ID: id, Title: id, CreatedAt: now, UpdatedAt: now}); err != nil {
			return err
		}
		return tx.Emit(ctx, events.Event{Type: events.MeetingCreated, Subject: id, At: now})
	})
}

func TestOnCommitFollowsEvents(t *testing.T) {
	calls := 0
	s := open(t, filepath.Join(t.TempDir(), "a.db"), func() { calls++ })
	if err := add(t.Context(), s, "m"); err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Fatalf("%d calls after a commit with an event, want 1", calls)
	}
	if err := add(t.Context(), s, "m"); errs.CodeOf(err) != errs.Conflict {
		t.Fatalf("error %v, want a conflict", err)
	}
	if err := s.Write(t.Context(), func(meetings.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if calls != 1 {
		t.Fatalf("%d calls, but nothing happened since the first", calls)
	}
}

func TestFileIsPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "da ta%20?#")
	if _, err := storage.Open(t.Context(), storage.Options{DSN: "postgres://x", Logger: slog.New(slog.DiscardHandler)}); errs.CodeOf(err) != errs.Invalid {
		t.Fatalf("an unknown kind of database: %v", err)
	}
	s := open(t, filepath.Join(dir, "carillon.db"), nil)
	if err := add(t.Context(), s, "m"); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 3 {
		t.Errorf("%d files, want the database, its log and the index of the log", len(files))
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
}

func TestOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "carillon.db")
	var done sync.WaitGroup
	for i := range 6 {
		done.Go(func() {
			s, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite://" + path, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := add(t.Context(), s, fmt.Sprint("m", i)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	list, err := open(t, path, nil).Meetings(t.Context(), meetings.MeetingQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 6 {
		t.Fatalf("%d meetings, want 6", len(list))
	}
}

// childPath names the variable that makes TestMain write to a database until it is killed.
const childPath = "STORAGE_TEST_WRITE_TO"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		writeForever(path)
	}
	os.Exit(m.Run())
}

// writeForever prints each id after its commit.
func writeForever(path string) {
	ctx := context.Background()
	s, err := storage.Open(ctx, storage.Options{DSN: "sqlite://" + path, Logger: slog.New(slog.DiscardHandler)})
	for i := 0; err == nil; i++ {
		id := fmt.Sprint("m", i)
		if err = add(ctx, s, id); err == nil {
			fmt.Println(id)
		}
	}
	fmt.Println("error:", err)
	os.Exit(1)
}

// TestKill kills a process while it writes and another one reads and writes beside it: everything that was
// reported as committed is there, each change with its event, and nothing is half there.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "carillon.db")
	beside := open(t, path, nil)
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var committed []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		committed = append(committed, lines.Text())
		if len(committed)%10 == 0 {
			if err := add(t.Context(), beside, fmt.Sprint("beside", len(committed))); err != nil {
				t.Error(err)
			}
		}
		if len(committed) == 50 {
			if err := child.Process.Kill(); err != nil { // SIGKILL; lines already in the pipe still come
				t.Fatal(err)
			}
		}
	}
	child.Wait() // reports the signal
	if len(committed) < 50 || strings.HasPrefix(committed[len(committed)-1], "error") {
		t.Fatalf("the child ended early: %q", committed)
	}
	s := open(t, path, nil)
	for _, id := range committed {
		if _, err := s.Meeting(t.Context(), id); err != nil {
			t.Errorf("%s was committed: %v", id, err)
		}
	}
	list, err := s.Meetings(t.Context(), meetings.MeetingQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	log, err := s.After(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if len(log) != len(list) {
		t.Errorf("%d meetings but %d events", len(list), len(log))
	}
}
