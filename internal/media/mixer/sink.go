package mixer

import (
	"slices"
	"sync/atomic"
)

// Sink is one listener.
type Sink struct {
	owner   any
	exclude atomic.Pointer[[]*Source]

	mix *mix // what it heard in the last step; owned by the goroutine that calls Step
}

// Owner returns what was given to AddSink.
func (s *Sink) Owner() any { return s.owner }

// SetExclude replaces the sources that the listener must not hear, which are of the same room.
// It holds from the next step on. Any goroutine.
func (s *Sink) SetExclude(sources []*Source) {
	sources = slices.Clone(sources)
	s.exclude.Store(&sources)
}

// excludes returns the current talkers among the excluded sources.
func (s *Sink) excludes(t *talkers) (set talkerSet) {
	for _, source := range *s.exclude.Load() {
		if t.talks(source) {
			set |= 1 << source.number
		}
	}
	return set
}
