// Package webhooks tells other programs what happens in conferences: every event becomes an HTTP POST to
// each webhook that wants it.
//
// A Service manages webhooks. A Dispatcher consumes the change feed, writes one delivery for each event and
// webhook into the store, and sends what is due. Deliveries of one webhook about one conference form a lane:
// they are sent one after the other, in the order of the events. A delivery that fails is tried again
// with growing pauses until it is too old; then it is dead, is kept, and its lane goes on. Everything is
// sent at least once. Requests are signed as Standard Webhooks (standardwebhooks.com) describes.
//
// The Dispatcher owns a goroutine and one for each request under way, at most a few for each webhook, so
// that a slow receiver holds up nobody else; Close ends them.
package webhooks

import (
	"context"
	"time"
)

// Webhook is somebody who is told of events.
type Webhook struct {
	ID    string `json:"id"`
	KeyID string `json:"keyId"` // whose conferences it hears of; "" = all, listed meetings included
	Name  string `json:"name"`
	URL   string `json:"url"`
	// EventTypes are the events it wants, such as "chime:AttendeeJoined"; none means all.
	EventTypes []string  `json:"eventTypes"`
	CreatedAt  time.Time `json:"createdAt"` // UTC, in microseconds, as all times here

	Secret string `json:"secret,omitempty"` // in the answers of Create and Rotate only

	Sealed         string     `json:"-"` // the secret as it is stored
	PreviousSealed string     `json:"-"` // the secret before that, or ""
	PreviousUntil  *time.Time `json:"-"` // until when requests are signed with that too
}

// State is how far a delivery is.
type State string

// The states.
const (
	Waiting   State = "waiting" // an earlier one of its lane is not done yet
	Due       State = "due"     // to be sent at NextAt
	Delivered State = "delivered"
	Dead      State = "dead" // given up
)

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID        string `json:"id"`
	WebhookID string `json:"webhookId"`
	Lane      string `json:"conferenceId"` // deliveries of a lane keep their order; "" for tests, which wait for nobody
	Seq       int64  `json:"seq"`          // position of the event in the change feed
	EventID   string `json:"eventId"`      // the same in every attempt and replay
	EventType string `json:"eventType"`
	Body      []byte `json:"-"` // JSON, sent as it is

	State      State      `json:"state"`
	Attempts   int        `json:"attempts"`
	Status     int        `json:"status"` // HTTP status of the last attempt, 0 when there was no answer
	Error      string     `json:"error"`  // why the last attempt failed
	CreatedAt  time.Time  `json:"createdAt"`
	QueuedAt   time.Time  `json:"queuedAt"` // when its age began to count: creation or replay
	NextAt     time.Time  `json:"nextAt"`
	FinishedAt *time.Time `json:"finishedAt"` // when it was delivered or given up
}

// Query selects deliveries of one webhook; zero parts select all.
type Query struct {
	DeliveryID string
	State      State
	Since      time.Time
	Limit      int // 0 = no limit
}

// Store keeps webhooks and deliveries. A single thing that does not exist is an errs.NotFound error.
type Store interface {
	// InsertWebhook is a LimitExceeded error when there are so many webhooks with the KeyID already, also when several
	// are inserted at once.
	InsertWebhook(ctx context.Context, w Webhook, most int) error
	Webhook(ctx context.Context, id string) (Webhook, error)
	// Webhooks returns all webhooks, oldest first.
	Webhooks(ctx context.Context) ([]Webhook, error)
	// KeyWorks reports whether there is such an API key that was not revoked.
	KeyWorks(ctx context.Context, keyID string) (bool, error)
	// ActiveWebhooks leaves out those of revoked API keys.
	ActiveWebhooks(ctx context.Context) ([]Webhook, error)
	// DeleteWebhook takes its deliveries with it.
	DeleteWebhook(ctx context.Context, id string) error
	// SetWebhookSecret writes the three members about secrets.
	SetWebhookSecret(ctx context.Context, w Webhook) error

	// Enqueue adds deliveries, as Due when their lane is idle and else as Waiting. One for a webhook and a
	// Seq that are there already is left out, and so is one for a webhook that is gone.
	Enqueue(ctx context.Context, list []Delivery) error
	// DueDeliveries returns what can be sent now, at most one for each lane, longest due first.
	DueDeliveries(ctx context.Context, webhookID string, now time.Time, limit int) ([]Delivery, error)
	// RecordAttempt writes State, Attempts, Status, Error, NextAt and FinishedAt, and makes the next one of
	// the lane due when this one is done.
	RecordAttempt(ctx context.Context, d Delivery) error
	// Deliveries returns the newest first.
	Deliveries(ctx context.Context, webhookID string, q Query) ([]Delivery, error)
	// ReplayDeliveries puts those that are done and match back into their lanes, and returns how many.
	ReplayDeliveries(ctx context.Context, webhookID string, q Query, now time.Time) (int, error)
	// CountDeliveries returns how many are not done.
	CountDeliveries(ctx context.Context, webhookID string) (int, error)
	// PruneDeliveries forgets what was finished before these times, and what was queued before the second one for
	// webhooks of revoked API keys, which nobody will send.
	PruneDeliveries(ctx context.Context, deliveredBefore, deadBefore time.Time) error
}
