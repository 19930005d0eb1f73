package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/errs"
	"carillon/internal/storage"
	"carillon/internal/webhooks"
)

func newWebhook(id, keyID string, at time.Time) webhooks.Webhook {
	return webhooks.Webhook{ID: id, KeyID: keyID, Name: "näme", URL: "https://example.org/?a=b", EventTypes: []string{"chime:MeetingEnded"},
		CreatedAt: at, Sealed: "sealed"}
}

func webhook(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	w, key := newWebhook("w1", "", start()), newWebhook("w2", "CK1", start().Add(time.Second))
	key.EventTypes = nil
	ok(t, s.InsertWebhook(ctx, key, 20))
	ok(t, s.InsertWebhook(ctx, w, 20))
	fails(t, s.InsertWebhook(ctx, w, 20), errs.Conflict)
	var done sync.WaitGroup
	for i := range 8 { // together they must not get past the limit
		done.Go(func() {
			err := s.InsertWebhook(ctx, newWebhook(fmt.Sprint("many", i), "CK2", start().Add(time.Minute)), 3)
			if err != nil && errs.CodeOf(err) != errs.LimitExceeded {
				t.Errorf("webhook %d: %v", i, err)
			}
		})
	}
	done.Wait()
	many := 0
	for i := range 8 {
		if s.DeleteWebhook(ctx, fmt.Sprint("many", i)) == nil {
			many++
		}
	}
	if many != 3 {
		t.Fatalf("%d webhooks of a key that may have 3", many)
	}
	until := start().Add(time.Hour)
	w.Sealed, w.PreviousSealed, w.PreviousUntil = "new", "sealed", &until
	ok(t, s.SetWebhookSecret(ctx, w))
	got, err := s.Webhook(ctx, "w1")
	ok(t, err)
	if !reflect.DeepEqual(got, w) {
		t.Fatalf("got %+v, want %+v", got, w)
	}
	list, err := s.Webhooks(ctx)
	ok(t, err)
	if !reflect.DeepEqual(list, []webhooks.Webhook{w, key}) {
		t.Fatalf("list %+v", list)
	}

	active := func() (ids []string) {
		t.Helper()
		list, err := s.ActiveWebhooks(ctx)
		ok(t, err)
		for _, w := range list {
			ids = append(ids, w.ID)
		}
		return ids
	}
	if got := active(); !slices.Equal(got, []string{"w1"}) {
		t.Fatalf("active without the key: %q", got)
	}
	works := func(want bool) {
		t.Helper()
		got, err := s.KeyWorks(ctx, "CK1")
		ok(t, err)
		if got != want {
			t.Fatalf("the key works: %v", got)
		}
	}
	works(false)
	ok(t, s.InsertKey(ctx, accounts.APIKey{ID: "CK1", Name: "n", CreatedAt: start()}, "x"))
	works(true)
	if got := active(); !slices.Equal(got, []string{"w1", "w2"}) {
		t.Fatalf("active: %q", got)
	}
	ok(t, s.RevokeKey(ctx, "CK1", start()))
	works(false)
	if got := active(); !slices.Equal(got, []string{"w1"}) {
		t.Fatalf("active after the key was revoked: %q", got)
	}

	ok(t, s.DeleteWebhook(ctx, "w1"))
	_, err = s.Webhook(ctx, "w1")
	fails(t, err, errs.NotFound)
	fails(t, s.DeleteWebhook(ctx, "w1"), errs.NotFound)
	fails(t, s.SetWebhookSecret(ctx, w), errs.NotFound)
}

func newDelivery(webhookID, lane string, seq int64) webhooks.Delivery {
	at := start().Add(time.Duration(seq) * time.Second)
	return webhooks.Delivery{ID: fmt.Sprint(webhookID, "-", seq), WebhookID: webhookID, Lane: lane, Seq: seq, EventID: fmt.Sprint("e", seq),
		EventType: "chime:MeetingEnded", Body: []byte(`{"a":"ü"}`), State: webhooks.Waiting, CreatedAt: at, QueuedAt: at, NextAt: at}
}

// dueIDs are the deliveries that can be sent at the end of time.
func dueIDs(t *testing.T, s *storage.Store, webhookID string) (ids []string) {
	t.Helper()
	list, err := s.DueDeliveries(t.Context(), webhookID, start().Add(1000*time.Hour), 100)
	ok(t, err)
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

func wantDue(t *testing.T, s *storage.Store, webhookID string, want ...string) {
	t.Helper()
	if got := dueIDs(t, s, webhookID); !slices.Equal(got, want) {
		t.Fatalf("due %q, want %q", got, want)
	}
}

func finish(t *testing.T, s *storage.Store, d webhooks.Delivery, state webhooks.State, at time.Time) {
	t.Helper()
	d.State, d.Attempts, d.Status, d.Error, d.FinishedAt = state, d.Attempts+1, 200, "", &at
	ok(t, s.RecordAttempt(t.Context(), d))
}

func deliveriesInLanes(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	ok(t, s.InsertWebhook(ctx, newWebhook("w", "", start()), 20))
	ok(t, s.InsertWebhook(ctx, newWebhook("v", "", start()), 20))
	a1, b2, a3, a4 := newDelivery("w", "a", 1), newDelivery("w", "b", 2), newDelivery("w", "a", 3), newDelivery("w", "a", 4)
	other := newDelivery("v", "a", 1)
	ok(t, s.Enqueue(ctx, []webhooks.Delivery{a1, b2, a3, other, newDelivery("gone", "a", 1)}))
	ok(t, s.Enqueue(ctx, []webhooks.Delivery{a1, a3, a4})) // seen twice by the consumer
	wantDue(t, s, "w", "w-1", "w-2")
	wantDue(t, s, "v", "v-1")
	wantDue(t, s, "gone")
	n, err := s.CountDeliveries(ctx, "w")
	ok(t, err)
	if n != 4 {
		t.Fatalf("%d are not done, want 4", n)
	}
	list, err := s.DueDeliveries(ctx, "w", start().Add(1500*time.Millisecond), 100)
	ok(t, err)
	if len(list) != 1 || list[0].ID != "w-1" {
		t.Fatalf("due at that time: %+v", list)
	}
	a1.State = webhooks.Due
	if !reflect.DeepEqual(list[0], a1) {
		t.Fatalf("got %+v, want %+v", list[0], a1)
	}

	a1.Attempts, a1.Status, a1.Error, a1.NextAt = 1, 500, "no", start().Add(time.Hour)
	ok(t, s.RecordAttempt(ctx, a1)) // it failed, so its lane stands still
	wantDue(t, s, "w", "w-2", "w-1")
	finish(t, s, a1, webhooks.Delivered, start().Add(2*time.Hour))
	wantDue(t, s, "w", "w-2", "w-3")
	finish(t, s, a3, webhooks.Dead, start().Add(3*time.Hour))
	wantDue(t, s, "w", "w-2", "w-4")
	fails(t, s.RecordAttempt(ctx, newDelivery("w", "a", 99)), errs.NotFound)

	dead, err := s.Deliveries(ctx, "w", webhooks.Query{State: webhooks.Dead})
	ok(t, err)
	if len(dead) != 1 || dead[0].ID != "w-3" || dead[0].FinishedAt == nil || !dead[0].FinishedAt.Equal(start().Add(3*time.Hour)) {
		t.Fatalf("dead: %+v", dead)
	}
	newest, err := s.Deliveries(ctx, "w", webhooks.Query{Since: start().Add(2 * time.Second), Limit: 2})
	ok(t, err)
	if len(newest) != 2 || newest[0].ID != "w-4" || newest[1].ID != "w-3" {
		t.Fatalf("newest: %+v", newest)
	}
	ok(t, s.DeleteWebhook(ctx, "w"))
	wantDue(t, s, "w")
	wantDue(t, s, "v", "v-1")
}

func replayDeliveries(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	ok(t, s.InsertWebhook(ctx, newWebhook("v", "", start()), 20))
	// What is in no lane, a test, does not wait for another one that fails; not when it is replayed either.
	ok(t, s.Enqueue(ctx, []webhooks.Delivery{newDelivery("v", "", -1), newDelivery("v", "", -2)}))
	wantDue(t, s, "v", "v--2", "v--1")
	finish(t, s, newDelivery("v", "", -1), webhooks.Dead, start())
	wantDue(t, s, "v", "v--2")
	n, err := s.ReplayDeliveries(ctx, "v", webhooks.Query{State: webhooks.Dead}, start())
	ok(t, err)
	if n != 1 {
		t.Fatalf("%d replayed", n)
	}
	wantDue(t, s, "v", "v--2", "v--1")

	ok(t, s.InsertWebhook(ctx, newWebhook("w", "", start()), 20))
	list := []webhooks.Delivery{newDelivery("w", "a", 1), newDelivery("w", "a", 2), newDelivery("w", "a", 3), newDelivery("w", "b", 4)}
	ok(t, s.Enqueue(ctx, list))
	finish(t, s, list[0], webhooks.Dead, start())
	finish(t, s, list[1], webhooks.Delivered, start())
	wantDue(t, s, "w", "w-3", "w-4")
	replay := func(q webhooks.Query, want int) {
		t.Helper()
		n, err := s.ReplayDeliveries(ctx, "w", q, start().Add(time.Hour))
		ok(t, err)
		if n != want {
			t.Fatalf("%d replayed, want %d", n, want)
		}
	}
	replay(webhooks.Query{DeliveryID: "w-3"}, 0) // it is still on its way
	replay(webhooks.Query{State: webhooks.Dead}, 1)
	replay(webhooks.Query{DeliveryID: "w-2"}, 1)
	replay(webhooks.Query{}, 0)
	wantDue(t, s, "w", "w-3", "w-4") // behind what is due, but before what is younger
	finish(t, s, list[2], webhooks.Delivered, start())
	wantDue(t, s, "w", "w-4", "w-1")
	again, err := s.Deliveries(ctx, "w", webhooks.Query{DeliveryID: "w-1"})
	ok(t, err)
	if d := again[0]; d.Attempts != 0 || d.FinishedAt != nil || !d.QueuedAt.Equal(start().Add(time.Hour)) || !d.CreatedAt.Equal(list[0].CreatedAt) {
		t.Fatalf("replayed: %+v", d)
	}
	finish(t, s, list[0], webhooks.Delivered, start())
	wantDue(t, s, "w", "w-4", "w-2")
}

func pruneDeliveries(t *testing.T, s *storage.Store) {
	ctx := t.Context()
	ok(t, s.InsertWebhook(ctx, newWebhook("w", "", start()), 20))
	list := []webhooks.Delivery{newDelivery("w", "a", 1), newDelivery("w", "b", 2), newDelivery("w", "c", 3), newDelivery("w", "d", 4)}
	ok(t, s.Enqueue(ctx, list))
	finish(t, s, list[0], webhooks.Delivered, start())
	finish(t, s, list[1], webhooks.Dead, start())
	finish(t, s, list[2], webhooks.Delivered, start().Add(2*time.Hour))
	ok(t, s.PruneDeliveries(ctx, start().Add(time.Hour), start()))
	left, err := s.Deliveries(ctx, "w", webhooks.Query{})
	ok(t, err)
	if len(left) != 3 || left[0].ID != "w-4" || left[1].ID != "w-3" || left[2].ID != "w-2" {
		t.Fatalf("left: %+v", left)
	}
	ok(t, s.PruneDeliveries(ctx, start(), start().Add(time.Hour)))
	if left, err = s.Deliveries(ctx, "w", webhooks.Query{}); err != nil || len(left) != 2 {
		t.Fatalf("left: %+v %v", left, err)
	}

	// What waits for a webhook of a revoked key waits for ever, unless it is forgotten.
	ok(t, s.InsertKey(ctx, accounts.APIKey{ID: "CK1", Name: "n", CreatedAt: start()}, "x"))
	ok(t, s.InsertWebhook(ctx, newWebhook("k", "CK1", start()), 20))
	ok(t, s.Enqueue(ctx, []webhooks.Delivery{newDelivery("k", "a", 1), newDelivery("k", "a", 2), newDelivery("k", "a", 9000)}))
	ofKey := func(want int) {
		t.Helper()
		ok(t, s.PruneDeliveries(ctx, start(), start().Add(time.Hour)))
		if left, err := s.Deliveries(ctx, "k", webhooks.Query{}); err != nil || len(left) != want {
			t.Fatalf("left: %+v %v, want %d", left, err, want)
		}
	}
	ofKey(3)
	ok(t, s.RevokeKey(ctx, "CK1", start()))
	ofKey(1)
}
