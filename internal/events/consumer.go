package events

import (
	"context"
	"log/slog"
	"time"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// consumer hands every event to fn, in order, and remembers in the log how far it came.
type consumer struct {
	name   string
	fn     func(context.Context, []Event) (handled int, err error)
	log    Log
	logger *slog.Logger
	wake   chan struct{}
}

// Consume registers a durable consumer. fn gets every event at least once and in order, so it has to be
// idempotent; when it fails it is called again with the same event, with growing pauses. A name that was
// never used before starts with the oldest event that is still in the log. Call it before Start.
func (f *Feed) Consume(name string, fn func(context.Context, Event) error) {
	f.consume(name, func(ctx context.Context, list []Event) (int, error) {
		for i, e := range list {
			if err := fn(ctx, e); err != nil {
				return i, err
			}
		}
		return len(list), nil
	})
}

// ConsumeBatches is Consume for a consumer that handles several events at once: fn gets them in order and
// handles all or, when it fails, none.
func (f *Feed) ConsumeBatches(name string, fn func(context.Context, []Event) error) {
	f.consume(name, func(ctx context.Context, list []Event) (int, error) {
		if err := fn(ctx, list); err != nil {
			return 0, err
		}
		return len(list), nil
	})
}

func (f *Feed) consume(name string, fn func(context.Context, []Event) (int, error)) {
	f.consumers = append(f.consumers, &consumer{
		name:   name,
		fn:     fn,
		log:    f.log,
		logger: f.logger.With("consumer", name),
		wake:   make(chan struct{}, 1),
	})
}

func (c *consumer) run(ctx context.Context) {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	retry := firstRetry
	for ctx.Err() == nil {
		if err := c.catchUp(ctx, func() { retry = firstRetry }); err != nil {
			if ctx.Err() != nil {
				return
			}
			c.logger.Error("handling an event failed, will try again", "err", err, "in", retry)
			pause(ctx, retry)
			retry = min(2*retry, lastRetry)
			continue
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-poll.C:
		}
	}
}

// catchUp handles all events that are in the log now and calls progress when some were. The position is
// stored once for each batch: a write for each event would cost as much as the change itself.
func (c *consumer) catchUp(ctx context.Context, progress func()) error {
	position, err := c.log.Cursor(ctx, c.name)
	if err != nil {
		return err
	}
	for {
		list, err := c.log.After(ctx, position, batchSize)
		if err != nil || len(list) == 0 {
			return err
		}
		handled, failure := c.fn(ctx, list)
		if handled > 0 {
			position = list[handled-1].Seq
			// What was handled stays handled when the feed is closed meanwhile.
			if err := c.log.SetCursor(context.WithoutCancel(ctx), c.name, position); err != nil {
				return err
			}
			progress()
		}
		if failure != nil || len(list) < batchSize { // what was committed meanwhile has left a token in wake
			return failure
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
