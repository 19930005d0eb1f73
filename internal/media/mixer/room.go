package mixer

import (
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"carillon/internal/media/opus"
)

// Config is what a Room needs.
type Config struct {
	Logger *slog.Logger // nil discards
}

// Room mixes one conference. All memory is Go's: a room that is no longer used needs no closing.
type Room struct {
	log *slog.Logger

	mu      sync.Mutex // serialises writers of members
	members atomic.Pointer[members]

	// Owned by the goroutine that calls Step.
	step       uint64 // number of the current step, from 1
	talkers    talkers
	mixes      []*mix // those that had listeners in the last step
	idleMixes  []*mix // for reuse
	work       *workspace
	stereo     *stereo // nil until somebody listens in stereo
	complained bool    // a codec failure has been logged
}

// members is never changed, only replaced.
type members struct {
	sources []*Source
	sinks   []*Sink
}

// workspace holds buffers that are used within one step only, 54 KB. Few rooms take a step at the same moment, so they
// borrow it.
type workspace struct {
	packet popped
	frame  Frame
	pcm    [2 * opus.MaxPacketSamples]float32 // a decoded packet that is thrown away, or both channels of one
	sum    [opus.FrameSamples]float32         // all talkers
	mixed  [opus.FrameSamples]float32         // input of an encoder
	past   past                               // what an encoder is primed with
}

// spare are the workspaces that no room uses, one for each processor at most. A sync.Pool loses what has grown with every
// collection, and with the race detector at random.
var spare = make(chan *workspace, runtime.GOMAXPROCS(0))

func borrowWorkspace() *workspace {
	select {
	case w := <-spare:
		return w
	default:
		return new(workspace)
	}
}

func returnWorkspace(w *workspace) {
	select {
	case spare <- w:
	default:
	}
}

// NewRoom makes an empty room.
func NewRoom(cfg Config) *Room {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Room{log: cfg.Logger}
	r.members.Store(&members{})
	return r
}

// SourceConfig describes a source.
type SourceConfig struct {
	Owner any // for the caller, see Source.Owner
}

// AddSource adds a stream to the mixes. Any goroutine.
func (r *Room) AddSource(cfg SourceConfig) *Source {
	s := &Source{owner: cfg.Owner, number: noNumber, level: SilentLevel, smoothed: SilentLevel}
	s.shown.Store(SilentLevel)
	r.change(func(m *members) { m.sources = append(m.sources, s) })
	return s
}

// RemoveSource takes the source out of the mixes, from the next step on at the latest. The source may
// still be pushed to and may still be excluded by sinks, without effect. Any goroutine; idempotent.
func (r *Room) RemoveSource(s *Source) {
	r.change(func(m *members) { m.sources = without(m.sources, s) })
}

// SinkConfig describes a sink.
type SinkConfig struct {
	Exclude []*Source // what this listener must not hear: its own sources, of the same room
	Format  Format    // how it gets it
	Owner   any       // for the caller, see Sink.Owner
}

// AddSink adds a listener. Any goroutine.
func (r *Room) AddSink(cfg SinkConfig) *Sink {
	s := &Sink{owner: cfg.Owner}
	s.SetExclude(cfg.Exclude)
	s.SetFormat(cfg.Format)
	r.change(func(m *members) { m.sinks = append(m.sinks, s) })
	return s
}

// RemoveSink removes a listener. A step that runs meanwhile may still deliver one frame to it.
// Any goroutine; idempotent.
func (r *Room) RemoveSink(s *Sink) {
	r.change(func(m *members) { m.sinks = without(m.sinks, s) })
}

// change replaces the members by a changed copy.
func (r *Room) change(edit func(*members)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.members.Load()
	m := &members{sources: slices.Clip(old.sources), sinks: slices.Clip(old.sinks)}
	edit(m)
	r.members.Store(m)
}

// without returns a copy of list without v.
func without[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(o T) bool { return o == v })
}

// complain logs a codec failure, the first of the room only: one that repeats does so 50 times a second.
func (r *Room) complain(what string, err error) {
	if !r.complained {
		r.complained = true
		r.log.Error("audio codec failed; further failures in this room are not logged", "operation", what, "error", err)
	}
}
