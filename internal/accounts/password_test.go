package accounts

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"carillon/internal/errs"
	"carillon/internal/seal"
)

func bare() *Service {
	return New(Config{SealKey: make([]byte, seal.KeySize), Logger: slog.New(slog.DiscardHandler)})
}

func TestPasswordHash(t *testing.T) {
	s := bare()
	ctx := t.Context()
	one, err := s.hashPassword(ctx, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", one)
	}
	two, err := s.hashPassword(ctx, "correct horse")
	if err != nil || one == two {
		t.Errorf("the same password gives the same hash (%v)", err)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
		if got, err := s.passwordIs(ctx, password, one); err != nil || got != want {
			t.Errorf("%q: %v %v", password, got, err)
		}
	}
	if got, err := s.passwordIs(ctx, "", s.decoy); err != nil || got {
		t.Errorf("the decoy: %v %v", got, err)
	}
}

// TestKnownHash checks a hash with another cost than ours, as the reference implementation makes it:
// echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1
func TestKnownHash(t *testing.T) {
	s := bare()
	const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if got, err := s.passwordIs(t.Context(), "password", hash); err != nil || !got {
		t.Errorf("%v %v", got, err)
	}
}

func TestBrokenHashIsAnError(t *testing.T) {
	s := bare()
	for _, hash := range []string{"", "plain", "$argon2id$v=19$m=1,t=1,p=1$AAAA", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA",
		"$argon2id$v=18$m=8,t=1,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=0,p=1$AAAA$AAAA", "$argon2id$v=19$m=8,t=1,p=0$AAAA$AAAA",
		"$argon2id$v=19$m=8,t=1,p=1$AAAA$", "$argon2id$v=19$m=8,t=1,p=1$*$AAAA"} {
		if got, err := s.passwordIs(t.Context(), "password", hash); err == nil || got {
			t.Errorf("%q: %v %v", hash, got, err)
		}
	}
}

func TestHashingWaitsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bare()
		s.hashing = make(chan struct{}, 1)
		end, err := s.hashTurn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := s.hashTurn(t.Context()); errs.CodeOf(err) != errs.Unavailable || time.Since(start) != hashWait {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.hashTurn(ctx); err == nil {
			t.Error("a request that is gone got a turn")
		}
		end()
		if end, err = s.hashTurn(t.Context()); err != nil {
			t.Errorf("after the turn has ended: %v", err)
		}
		end()
	})
}
