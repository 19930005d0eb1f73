package events

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// consumer hands every event to fn, one after the other, and remembers in the log how far it came.
type consumer struct {
	name   string
	fn     func(context.Context, Event) error
	log    Log
	logger *slog.Logger
	wake   chan struct{}
}

// Consume registers a durable consumer. fn gets every event at least once and in order, so it has to be
// idempotent; when it fails it is called again with the same event, with growing pauses. A name that was
// never used before starts with the oldest event that is still in the log. Call it before Start.
func (f *Feed) Consume(name string, fn func(context.Context, Event) error) {
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

// catchUp handles all events that are in the log now and calls progress after each.
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
		position, err = c.handle(ctx, list, position, progress)
		if err != nil {
			return err
		}
	}
}

// handle hands a batch to fn and then stores how far it came, once: a wait for the disk after every event
// would leave the consumer behind. After a crash the events of one batch come again.
func (c *consumer) handle(ctx context.Context, list []Event, position int64, progress func()) (int64, error) {
	var failed error
	start := position
	for _, e := range list {
		if failed = c.fn(ctx, e); failed != nil {
			break
		}
		position = e.Seq
		progress()
	}
	if position == start {
		return position, failed
	}
	return position, errors.Join(failed, c.log.SetCursor(ctx, c.name, position))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
