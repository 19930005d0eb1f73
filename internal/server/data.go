package server

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"carillon/internal/errs"
)

// keySize is the length of the keys in the data directory, in bytes.
const keySize = 32

// dataDir is the directory of everything that lasts.
type dataDir string

func openDataDir(path string) (dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("cannot make the data directory: %w", err)
	}
	return dataDir(path), nil
}

// lock keeps a second server off the directory for as long as the returned file is open, also when this
// process is killed.
func (d dataDir) lock() (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(string(d), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock of the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, errs.New(errs.Conflict, "another server is running on the data directory %s", string(d))
	}
	return f, nil
}

// key returns the key of that name, which is made the first time it is asked for. Two processes that
// ask at once get the same one: the file appears whole, and only once.
func (d dataDir) key(name string) ([]byte, error) {
	path := filepath.Join(string(d), name)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.makeKey(path); err != nil {
			return nil, err
		}
		key, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the key %s: %w", name, err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("the key file %s is damaged: %d bytes instead of %d", path, len(key), keySize)
	}
	return key, nil
}

func (d dataDir) makeKey(path string) error {
	key := make([]byte, keySize)
	rand.Read(key) // never fails
	name, err := d.writeTemp(key)
	if err != nil {
		return fmt.Errorf("cannot write a key: %w", err)
	}
	defer os.Remove(name)
	if err := os.Link(name, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot write a key: %w", err)
	}
	return nil
}

// reserveIDs returns the first of n numbers that are used once in the life of the directory. The file holds the next
// free one and is on the disk before the numbers are used.
func (d dataDir) reserveIDs(n uint32) (first uint32, err error) {
	path := filepath.Join(string(d), "ids")
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		first = 1
	case err != nil:
		return 0, fmt.Errorf("cannot read the file of ids: %w", err)
	default:
		free, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32)
		if err != nil {
			return 0, fmt.Errorf("the file %s is damaged: %w", path, err)
		}
		first = uint32(free)
	}
	if err := d.replace(path, strconv.FormatUint(uint64(first)+uint64(n), 10)+"\n"); err != nil {
		return 0, fmt.Errorf("cannot write the file of ids: %w", err)
	}
	return first, nil
}

// replace writes a file so that it holds the old content or the new one, whatever happens meanwhile.
func (d dataDir) replace(path, content string) error {
	name, err := d.writeTemp([]byte(content))
	if err != nil {
		return err
	}
	if err := os.Rename(name, path); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// writeTemp writes a new file that is on the disk when it returns its name.
func (d dataDir) writeTemp(content []byte) (name string, err error) {
	f, err := os.CreateTemp(string(d), ".new-*")
	if err != nil {
		return "", err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// dsn is the data source name to use: the configured one, or SQLite in the directory.
func (d dataDir) dsn(configured string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	path, err := filepath.Abs(filepath.Join(string(d), "carillon.db"))
	if err != nil {
		return "", err
	}
	return "sqlite://" + path, nil
}
