package events

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// Another process (the command line) writes to the same database without waking this one.
	pollInterval = time.Second
	// How many events one read of the log returns at most.
	batchSize = 256
	// How long events stay readable. A consumer that fails for longer than this misses events.
	retention     = 7 * 24 * time.Hour
	pruneInterval = time.Hour
)

// Feed delivers the events of a Log. It has one goroutine that reads for all subscriptions and one for
// each durable consumer; Close ends them. All methods are safe for use by several goroutines, except that
// Consume has to come before Start.
type Feed struct {
	// Constant after Start.
	log       Log
	logger    *slog.Logger
	consumers []*consumer

	wake   chan struct{} // holds at most one token
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	subs   map[*Subscription]struct{}
	closed bool
}

// NewFeed makes a feed that stands still until Start.
func NewFeed(log Log, logger *slog.Logger) *Feed {
	ctx, cancel := context.WithCancel(context.Background())
	return &Feed{
		log:    log,
		logger: logger,
		wake:   make(chan struct{}, 1),
		ctx:    ctx,
		cancel: cancel,
		subs:   make(map[*Subscription]struct{}),
	}
}

// Wake tells the feed that something was committed. It never blocks.
func (f *Feed) Wake() {
	notify(f.wake)
	for _, c := range f.consumers {
		notify(c.wake)
	}
}

func notify(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default: // a token is waiting already, and whoever takes it reads everything committed until then
	}
}

// Start begins delivery. Subscriptions get the events committed from now on; durable consumers go on
// where they stopped.
func (f *Feed) Start() {
	position, err := f.log.Last(f.ctx)
	if err != nil {
		f.logger.Error("reading the change feed failed", "err", err)
		position = -1 // unknown: run asks again
	}
	f.done.Go(func() { f.run(position) })
	for _, c := range f.consumers {
		f.done.Go(func() { c.run(f.ctx) })
	}
}

// Close ends delivery, waits for running consumers and closes every subscription.
func (f *Feed) Close() {
	f.cancel()
	f.done.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for s := range f.subs {
		f.dropLocked(s)
	}
}

func (f *Feed) run(position int64) {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	prune := time.NewTicker(pruneInterval)
	defer prune.Stop()
	for {
		next, err := f.advance(position)
		position = next
		if err != nil && f.ctx.Err() == nil {
			f.logger.Error("reading the change feed failed", "err", err)
		}
		select {
		case <-f.ctx.Done():
			return
		case <-f.wake:
		case <-poll.C:
		case now := <-prune.C:
			if err := f.log.Prune(f.ctx, now.Add(-retention)); err != nil {
				f.logger.Error("pruning the change feed failed", "err", err)
			}
		}
	}
}

// advance delivers everything after position to the subscriptions and returns the new position.
func (f *Feed) advance(position int64) (int64, error) {
	if position < 0 {
		last, err := f.log.Last(f.ctx)
		if err != nil {
			return position, err
		}
		return last, nil
	}
	for {
		list, err := f.log.After(f.ctx, position, batchSize)
		if err != nil || len(list) == 0 {
			return position, err
		}
		for _, e := range list {
			f.deliver(e)
			position = e.Seq
		}
		if len(list) < batchSize { // what was committed meanwhile has left a token in wake
			return position, nil
		}
	}
}

func (f *Feed) deliver(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for s := range f.subs {
		if !s.wants(e.Type) {
			continue
		}
		select {
		case s.events <- e:
		default:
			f.logger.Warn("closed a subscription that did not keep up", "type", e.Type)
			f.dropLocked(s)
		}
	}
}
