package webhooks

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/meetings"
)

const (
	defaultTimeout    = 10 * time.Second
	defaultFirstRetry = time.Second
	defaultLastRetry  = 30 * time.Minute
	defaultMaxAge     = 24 * time.Hour

	// How many requests to one webhook may be under way: all of different lanes.
	parallel = 4
	// Retries become due and the command line adds deliveries without waking the dispatcher.
	pollInterval = time.Second

	pruneInterval      = time.Hour
	deliveredRetention = 7 * 24 * time.Hour
	deadRetention      = 30 * 24 * time.Hour
)

// Conferences looks up what deliveries are about.
type Conferences interface {
	Conference(ctx context.Context, id string) (meetings.Conference, error)
}

// DispatcherConfig is what a Dispatcher needs. Durations that are 0 get their defaults.
type DispatcherConfig struct {
	Store       Store
	Conferences Conferences
	SealKey     []byte // the one of the Service
	Guard       Guard
	Logger      *slog.Logger

	Timeout    time.Duration // of one attempt, from looking up the name to the status
	FirstRetry time.Duration // pause after the first failure; it doubles with each further one
	LastRetry  time.Duration // longest pause
	MaxAge     time.Duration // failures after this are final
}

// Dispatcher turns events into deliveries and sends them.
type Dispatcher struct {
	cfg       DispatcherConfig
	encrypted *http.Client // for https
	plain     *http.Client // for http

	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex
	busy map[string]map[string]bool // deliveries under way, by webhook
	look map[string]bool            // webhooks for which something may be due; "" = all
}

// NewDispatcher makes a dispatcher that sends nothing until Start.
func NewDispatcher(cfg DispatcherConfig) *Dispatcher {
	for _, d := range []struct {
		set *time.Duration
		to  time.Duration
	}{{&cfg.Timeout, defaultTimeout}, {&cfg.FirstRetry, defaultFirstRetry}, {&cfg.LastRetry, defaultLastRetry}, {&cfg.MaxAge, defaultMaxAge}} {
		if *d.set == 0 {
			*d.set = d.to
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Dispatcher{
		cfg:       cfg,
		encrypted: newClient(cfg.Guard, true),
		plain:     newClient(cfg.Guard, false),
		wake:      make(chan struct{}, 1),
		ctx:       ctx,
		cancel:    cancel,
		busy:      make(map[string]map[string]bool),
		look:      make(map[string]bool),
	}
}

// Start begins to send.
func (d *Dispatcher) Start() {
	d.Wake() // an earlier process may have left something
	d.done.Go(d.run)
}

// Close ends it. Requests under way are broken off and sent again after the next start.
func (d *Dispatcher) Close() {
	d.cancel()
	d.done.Wait()
	d.encrypted.CloseIdleConnections()
	d.plain.CloseIdleConnections()
}

// Wake says that something may be due for any webhook. It never blocks.
func (d *Dispatcher) Wake() { d.wakeFor("") }

func (d *Dispatcher) wakeFor(webhookID string) {
	d.mu.Lock()
	d.look[webhookID] = true
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// HandleEvents queues deliveries for what webhooks want to hear of. It is made to be a durable consumer of
// the change feed: events that it sees twice are queued once.
func (d *Dispatcher) HandleEvents(ctx context.Context, list []events.Event) error {
	hooks, err := d.cfg.Store.ActiveWebhooks(ctx)
	if err == nil {
		hooks, err = d.withRoom(ctx, hooks)
	}
	if err != nil || len(hooks) == 0 {
		return err
	}
	var deliveries []Delivery
	conferences := make(map[string]*meetings.Conference)
	for _, e := range list {
		more, err := d.deliveriesOf(ctx, e, hooks, conferences)
		if err != nil {
			return err
		}
		deliveries = append(deliveries, more...)
	}
	if len(deliveries) == 0 {
		return nil
	}
	if err := d.cfg.Store.Enqueue(ctx, deliveries); err != nil {
		return err
	}
	for _, v := range deliveries {
		d.wakeFor(v.WebhookID)
	}
	return nil
}

func (d *Dispatcher) run() {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	var pruned time.Time
	for {
		d.round()
		if now := time.Now(); now.Sub(pruned) >= pruneInterval {
			pruned = now
			d.log(d.cfg.Store.PruneDeliveries(d.ctx, now.Add(-deliveredRetention), now.Add(-deadRetention)))
		}
		select {
		case <-d.ctx.Done():
			return
		case <-d.wake:
		case <-poll.C:
			d.Wake()
		}
	}
}

func (d *Dispatcher) log(err error) {
	if err != nil && d.ctx.Err() == nil {
		d.cfg.Logger.Error("webhooks are held up", "err", err)
	}
}

func (d *Dispatcher) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-d.ctx.Done():
	case <-timer.C:
	}
}

// round begins to send everything that is due and has a free place.
func (d *Dispatcher) round() {
	d.mu.Lock()
	look := d.look
	d.look = make(map[string]bool)
	d.mu.Unlock()
	if len(look) == 0 {
		return
	}
	hooks, err := d.cfg.Store.ActiveWebhooks(d.ctx)
	if err != nil {
		d.log(err)
		return
	}
	for _, w := range hooks {
		if !look[""] && !look[w.ID] {
			continue
		}
		if err := d.sendDue(w); err != nil {
			d.log(err)
			return
		}
	}
}

// sendDue begins what is due for one webhook. Only run calls it.
func (d *Dispatcher) sendDue(w Webhook) error {
	// What is under way now counts as that below, even when it ends meanwhile: the answer of the store may
	// be from before, and sending it again would repeat it and break the order of its lane.
	underWay := d.underWay(w.ID)
	free := parallel - len(underWay)
	if free <= 0 {
		return nil
	}
	// Those under way are still due in the store, so there have to be places for them in the answer.
	due, err := d.cfg.Store.DueDeliveries(d.ctx, w.ID, time.Now().UTC(), free+len(underWay))
	if err != nil {
		return err
	}
	for _, delivery := range due {
		if underWay[delivery.ID] || free == 0 {
			continue
		}
		free--
		d.begin(delivery)
		d.done.Go(func() {
			d.attempt(w, delivery)
			d.end(delivery)
			d.wakeFor(w.ID)
		})
	}
	return nil
}

func (d *Dispatcher) underWay(webhookID string) map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.busy[webhookID])
}

func (d *Dispatcher) begin(v Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[v.WebhookID] == nil {
		d.busy[v.WebhookID] = make(map[string]bool)
	}
	d.busy[v.WebhookID][v.ID] = true
}

func (d *Dispatcher) end(v Delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.busy[v.WebhookID], v.ID)
	if len(d.busy[v.WebhookID]) == 0 {
		delete(d.busy, v.WebhookID)
	}
}

// gone reports that a thing was deleted meanwhile.
func gone(err error) bool { return errs.CodeOf(err) == errs.NotFound }
