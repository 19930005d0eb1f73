package rooms

import (
	"errors"
	"log/slog"
	"testing"
)

func TestIDsGrowOverRestarts(t *testing.T) {
	free := uint32(1)
	reserve := func(n uint32) (uint32, error) { free += n; return free - n, nil }
	var last uint32
	for range 3 { // processes
		s := idSource{reserve: reserve, log: slog.New(slog.DiscardHandler)}
		for range idBlock + 10 {
			id := s.allocate()
			if id <= last {
				t.Fatalf("%d after %d", id, last)
			}
			last = id
		}
	}
}

func TestIDsGoOnWithoutReservation(t *testing.T) {
	s := idSource{reserve: func(uint32) (uint32, error) { return 0, errors.New("disk full") }, log: slog.New(slog.DiscardHandler)}
	for want := uint32(1); want < 2*idBlock; want++ {
		if id := s.allocate(); id != want {
			t.Fatalf("%d, want %d", id, want)
		}
	}
}
