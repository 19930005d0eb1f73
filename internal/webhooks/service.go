package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/ids"
	"carillon/internal/seal"
)

const (
	maxPerKey = 20 // webhooks of one API key, and of the server itself
	maxName   = 200

	secretPrefix = "whsec_" // Standard Webhooks: this and base64
	secretBytes  = 32
	// How long requests are also signed with the secret before a rotation.
	rotationOverlap = 24 * time.Hour

	maxListed = 1000
)

// ServiceConfig is what a Service needs. Store and SealKey are required.
type ServiceConfig struct {
	Store   Store
	SealKey []byte           // 32 bytes that secrets are sealed with
	Clock   func() time.Time // nil = time.Now
	// Guard refuses addresses that the dispatcher will not send to. Nil leaves that to the dispatcher,
	// which checks again in any case.
	Guard *Guard
	Wake  func() // called when something may be due; may be nil
}

// Service manages webhooks. An API key sees its own; the system sees all. Its methods are safe for use by
// several goroutines, and act at once in a server that runs beside.
type Service struct{ cfg ServiceConfig }

// NewService makes a service.
func NewService(cfg ServiceConfig) *Service {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Wake == nil {
		cfg.Wake = func() {}
	}
	return &Service{cfg}
}

// NewWebhook is the input of Create.
type NewWebhook struct {
	Name       string
	URL        string
	EventTypes []string
	KeyID      string // for the system only: whose conferences; "" = all
}

func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Microsecond) }

// Create makes a webhook. Its answer and that of Rotate are the only ones with the secret.
func (s *Service) Create(ctx context.Context, actor authz.Actor, in NewWebhook) (Webhook, error) {
	if err := authz.Check(actor, authz.WebhookManage, authz.Resource{}); err != nil {
		return Webhook{}, err
	}
	if !actor.System {
		in.KeyID = actor.KeyID
	}
	if err := s.check(in); err != nil {
		return Webhook{}, err
	}
	if err := s.checkKey(ctx, in.KeyID); err != nil {
		return Webhook{}, err
	}
	w := Webhook{ID: ids.New(), KeyID: in.KeyID, Name: in.Name, URL: in.URL, EventTypes: slices.Clone(in.EventTypes), CreatedAt: s.now()}
	if err := s.newSecret(&w); err != nil {
		return Webhook{}, err
	}
	return w, s.cfg.Store.InsertWebhook(ctx, w, maxPerKey)
}

// checkKey refuses a key whose conferences nobody could hear of.
func (s *Service) checkKey(ctx context.Context, keyID string) error {
	if keyID == "" {
		return nil
	}
	works, err := s.cfg.Store.KeyWorks(ctx, keyID)
	if err == nil && !works {
		return errs.Field("key", "There is no such access key, or it was revoked.")
	}
	return err
}

func (s *Service) check(in NewWebhook) error {
	if utf8.RuneCountInString(in.Name) > maxName || !utf8.ValidString(in.Name) || slices.ContainsFunc([]rune(in.Name), unicode.IsControl) {
		return errs.Field("name", "The name must be one line of at most %d characters.", maxName)
	}
	u, err := parseURL(in.URL)
	if err != nil {
		return err
	}
	if err := s.cfg.Guard.checkLiteral(u); err != nil {
		return err
	}
	known := EventTypes()
	for _, t := range in.EventTypes {
		if !slices.Contains(known, t) {
			return errs.Field("eventTypes", "There is no event type %q.", t)
		}
	}
	return nil
}

func (s *Service) newSecret(w *Webhook) error {
	b := make([]byte, secretBytes)
	rand.Read(b) // never fails
	w.Secret = secretPrefix + base64.StdEncoding.EncodeToString(b)
	sealed, err := seal.Seal(s.cfg.SealKey, sealOwner(w.ID), w.Secret)
	w.Sealed = sealed
	return err
}

// sealOwner keeps secrets of webhooks apart from other things that are sealed with the same key.
func sealOwner(webhookID string) string { return "webhook:" + webhookID }

// find returns a webhook that the actor may see.
func (s *Service) find(ctx context.Context, actor authz.Actor, id string) (Webhook, error) {
	if err := authz.Check(actor, authz.WebhookManage, authz.Resource{}); err != nil {
		return Webhook{}, err
	}
	w, err := s.cfg.Store.Webhook(ctx, id)
	if err == nil && !actor.System && w.KeyID != actor.KeyID {
		return Webhook{}, errs.New(errs.NotFound, "There is no such webhook.")
	}
	return w, err
}

// Get returns one webhook.
func (s *Service) Get(ctx context.Context, actor authz.Actor, id string) (Webhook, error) {
	return s.find(ctx, actor, id)
}

// List returns the actor's webhooks, oldest first.
func (s *Service) List(ctx context.Context, actor authz.Actor) ([]Webhook, error) {
	if err := authz.Check(actor, authz.WebhookManage, authz.Resource{}); err != nil {
		return nil, err
	}
	all, err := s.cfg.Store.Webhooks(ctx)
	return slices.DeleteFunc(all, func(w Webhook) bool { return !actor.System && w.KeyID != actor.KeyID }), err
}

// Delete removes a webhook with all its deliveries.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, id string) error {
	if _, err := s.find(ctx, actor, id); err != nil {
		return err
	}
	return s.cfg.Store.DeleteWebhook(ctx, id)
}

// Rotate gives a webhook a new secret. For a day requests carry signatures of both, so that receivers can
// change over without losing any.
func (s *Service) Rotate(ctx context.Context, actor authz.Actor, id string) (Webhook, error) {
	w, err := s.find(ctx, actor, id)
	if err != nil {
		return Webhook{}, err
	}
	until := s.now().Add(rotationOverlap)
	w.PreviousSealed, w.PreviousUntil = w.Sealed, &until
	if err := s.newSecret(&w); err != nil {
		return Webhook{}, err
	}
	return w, s.cfg.Store.SetWebhookSecret(ctx, w)
}

// Test queues an event that says only that it is a test, and returns its delivery.
func (s *Service) Test(ctx context.Context, actor authz.Actor, id string) (Delivery, error) {
	w, err := s.find(ctx, actor, id)
	if err != nil {
		return Delivery{}, err
	}
	waiting, err := s.cfg.Store.CountDeliveries(ctx, id)
	if err != nil {
		return Delivery{}, err
	}
	if waiting >= maxQueued {
		return Delivery{}, errs.New(errs.LimitExceeded, "%d events wait for the webhook already.", waiting)
	}
	now := s.now()
	n := notification{Version: "0", ID: ids.New(), DetailType: testDetailType, Source: source, Account: account,
		Time: now.Format(timeFormat), Region: defaultRegion, Resources: []string{},
		Detail: detail{Version: "0", EventType: testEvent, Timestamp: now.UnixMilli()}}
	body, err := json.Marshal(n)
	if err != nil {
		return Delivery{}, err
	}
	// The time stands in for a position in the feed and keeps tests apart from each other.
	d := Delivery{ID: ids.New(), WebhookID: w.ID, Seq: -now.UnixMicro(), EventID: n.ID, EventType: testEvent, Body: body,
		State: Due, CreatedAt: now, QueuedAt: now, NextAt: now}
	err = s.cfg.Store.Enqueue(ctx, []Delivery{d})
	s.cfg.Wake()
	return d, err
}

// Deliveries returns deliveries of a webhook, newest first.
func (s *Service) Deliveries(ctx context.Context, actor authz.Actor, id string, q Query) ([]Delivery, error) {
	if _, err := s.find(ctx, actor, id); err != nil {
		return nil, err
	}
	if err := q.check(); err != nil {
		return nil, err
	}
	if q.Limit <= 0 || q.Limit > maxListed {
		q.Limit = maxListed
	}
	return s.cfg.Store.Deliveries(ctx, id, q)
}

// Replay sends deliveries again that were delivered or given up, in the order of their events, and returns
// how many. They carry the same event id as before, so that receivers can tell.
func (s *Service) Replay(ctx context.Context, actor authz.Actor, id string, q Query) (int, error) {
	if _, err := s.find(ctx, actor, id); err != nil {
		return 0, err
	}
	if err := q.check(); err != nil {
		return 0, err
	}
	n, err := s.cfg.Store.ReplayDeliveries(ctx, id, q, s.now())
	if err == nil && n == 0 && q.DeliveryID != "" {
		err = errs.New(errs.NotFound, "There is no such delivery, or it is still on its way.")
	}
	s.cfg.Wake()
	return n, err
}

func (q Query) check() error {
	if q.State != "" && !slices.Contains([]State{Waiting, Due, Delivered, Dead}, q.State) {
		return errs.Field("state", "The state must be waiting, due, delivered or dead.")
	}
	return nil
}
