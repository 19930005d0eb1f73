package server

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"carillon/internal/errs"
)

func TestKeyIsMadeOnce(t *testing.T) {
	d, err := openDataDir(filepath.Join(t.TempDir(), "new", "data"))
	if err != nil {
		t.Fatal(err)
	}
	keys := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i], _ = d.key("join.key") })
	}
	wg.Wait()
	for _, k := range keys {
		if len(k) != keySize || !bytes.Equal(k, keys[0]) {
			t.Fatalf("keys differ: %x and %x", k, keys[0])
		}
	}
	info, err := os.Stat(filepath.Join(string(d), "join.key"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestDamagedKeyIsRefused(t *testing.T) {
	d := dataDir(t.TempDir())
	if err := os.WriteFile(filepath.Join(string(d), "join.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.key("join.key"); err == nil {
		t.Error("a damaged key was accepted")
	}
}

func TestOneServerOnADirectory(t *testing.T) {
	d := dataDir(t.TempDir())
	first, err := d.lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.lock(); errs.CodeOf(err) != errs.Conflict {
		t.Errorf("second lock: %v", err)
	}
	first.Close()
	second, err := d.lock()
	if err != nil {
		t.Fatalf("after the first has gone: %v", err)
	}
	second.Close()
}

func TestIDsAreReservedOnce(t *testing.T) {
	d := dataDir(t.TempDir())
	for _, want := range []uint32{1, 11, 21} {
		if first, err := d.reserveIDs(10); err != nil || first != want {
			t.Fatalf("reserved from %d, %v; want %d", first, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(string(d), "ids"), []byte("many"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.reserveIDs(10); err == nil {
		t.Error("a damaged file went unnoticed: ids would be used again")
	}
}
