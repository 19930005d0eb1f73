package webhooks

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"carillon/internal/events"
	"carillon/internal/ids"
	"carillon/internal/meetings"
)

// maxQueued bounds what waits for one webhook whose receiver does not answer: some hundred megabytes at most.
const maxQueued = 100_000

// deliveriesOf returns what an event has to be told to whom. Conferences are remembered in seen, nil when there
// is none.
func (d *Dispatcher) deliveriesOf(ctx context.Context, e events.Event, hooks []Webhook, seen map[string]*meetings.Conference) ([]Delivery, error) {
	k, ok := kindOf(e.Type)
	if !ok {
		return nil, nil
	}
	s, conferenceID, err := conferenceOf(e)
	if err != nil {
		// Trying again would not help and would hold up every later event.
		d.cfg.Logger.Error("an event cannot be read", "seq", e.Seq, "type", e.Type, "err", err)
		return nil, nil
	}
	c, err := d.conference(ctx, conferenceID, seen)
	if err != nil || c == nil {
		return nil, err
	}
	var list []Delivery
	for _, w := range hooks {
		if !w.wants(e, k, c.KeyID) {
			continue
		}
		n := notify(e, k, s, *c)
		body, err := json.Marshal(n)
		if err != nil {
			return nil, err
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		list = append(list, Delivery{ID: ids.New(), WebhookID: w.ID, Lane: c.ID, Seq: e.Seq, EventID: n.ID, EventType: k.name, Body: body,
			State: Waiting, CreatedAt: now, QueuedAt: now, NextAt: now})
	}
	return list, nil
}

// wants reports whether the webhook is to hear of an event. What happened before there was a webhook is
// none of its business.
func (w Webhook) wants(e events.Event, k kind, keyID string) bool {
	return (w.KeyID == "" || w.KeyID == keyID) &&
		(len(w.EventTypes) == 0 || slices.Contains(w.EventTypes, k.name)) &&
		!e.At.Before(w.CreatedAt)
}

func (d *Dispatcher) conference(ctx context.Context, id string, seen map[string]*meetings.Conference) (*meetings.Conference, error) {
	if c, ok := seen[id]; ok {
		return c, nil
	}
	c, err := d.cfg.Conferences.Conference(ctx, id)
	switch {
	case err == nil:
		seen[id] = &c
	case gone(err):
		seen[id] = nil
	default:
		return nil, err
	}
	return seen[id], nil
}

// withRoom leaves out the webhooks for which too much waits already.
func (d *Dispatcher) withRoom(ctx context.Context, hooks []Webhook) ([]Webhook, error) {
	var list []Webhook
	for _, w := range hooks {
		n, err := d.cfg.Store.CountDeliveries(ctx, w.ID)
		if err != nil {
			return nil, err
		}
		if n >= maxQueued {
			d.cfg.Logger.Warn("too many events wait for a webhook: some are not sent", "webhook", w.ID, "waiting", n)
			continue
		}
		list = append(list, w)
	}
	return list, nil
}
