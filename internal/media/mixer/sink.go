package mixer

import (
	"slices"
	"sync/atomic"
)

// Sink is one listener.
type Sink struct {
	owner   any
	exclude atomic.Pointer[[]*Source]
	format  atomic.Pointer[Format]
	deaf    atomic.Bool
	lossy   atomic.Bool

	// Owned by the goroutine that calls Step.
	mix    *mix // what it heard in the last step
	waited int  // steps for which it should have been coded in the other way
}

// Owner returns what was given to AddSink.
func (s *Sink) Owner() any { return s.owner }

// SetExclude replaces the sources that the listener must not hear, which are of the same room.
// It holds from the next step on. Any goroutine.
func (s *Sink) SetExclude(sources []*Source) {
	sources = slices.Clone(sources)
	s.exclude.Store(&sources)
}

// SetFormat changes how the listener gets its audio. It holds from the next step on, and the stream begins anew if
// that is another format. Any goroutine.
func (s *Sink) SetFormat(f Format) { s.format.Store(&f) }

// SetDeaf makes the listener hear silence, whoever talks. It holds from the next step on. Any goroutine.
func (s *Sink) SetDeaf(deaf bool) { s.deaf.Store(deaf) }

// SetLossy tells whether the line to the listener loses packets. What it hears is then coded so that single ones can be
// made up for, and the stream goes on without a break. It holds from the next step on. Any goroutine.
func (s *Sink) SetLossy(lossy bool) { s.lossy.Store(lossy) }

// Lossy returns what SetLossy has told. Any goroutine.
func (s *Sink) Lossy() bool { return s.lossy.Load() }

// everybody is the set of all talkers there can be.
const everybody = ^talkerSet(0)

// excludes returns the current talkers that the listener must not hear.
func (s *Sink) excludes(t *talkers) (set talkerSet) {
	if s.deaf.Load() {
		return everybody
	}
	for _, source := range *s.exclude.Load() {
		set |= t.just(source)
	}
	return set
}

// leavesOut reports whether the listener must not hear the source.
func (s *Sink) leavesOut(x *Source) bool {
	return s.deaf.Load() || slices.Contains(*s.exclude.Load(), x)
}
