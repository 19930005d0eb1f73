package rooms

import (
	"log/slog"
	"sync"
)

// idBlock is how many ids are reserved at a time: few enough that restarting often wastes little of the 32 bits,
// many enough that reserving, which may touch a disk, happens next to never while people talk.
const idBlock = 1 << 12

// idSource hands out the ids of streams, groups and audio streams of all rooms. Clients take a lower id for an older
// one as long as they remember the conference, so ids must grow over restarts of the server too: they come in blocks
// whose reservation outlives the process.
type idSource struct {
	reserve func(n uint32) (first uint32, err error) // nil: the ids need not outlive the process
	log     *slog.Logger

	mu         sync.Mutex // taken last
	next, left uint32
}

// allocate returns the next id. When no block can be reserved it goes on without: a conference that cannot go on is
// worse than one that clients may misread after the next restart.
func (s *idSource) allocate() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		s.refillLocked()
	}
	id := max(s.next, 1) // zero means none
	s.next = id + 1
	s.left--
	return id
}

func (s *idSource) refillLocked() {
	s.left = idBlock
	if s.reserve == nil {
		return
	}
	first, err := s.reserve(idBlock)
	if err != nil {
		s.log.Error("cannot reserve ids of streams; after a restart clients may see people leave and come back", "reason", err)
		return
	}
	s.next = first
}
