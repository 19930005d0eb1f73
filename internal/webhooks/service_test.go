package webhooks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/internal/accounts"
	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/storage"
	"carillon/internal/webhooks"
)

func addKey(t *testing.T, s *storage.Store, id string) {
	t.Helper()
	ok(t, s.InsertKey(t.Context(), accounts.APIKey{ID: id, Name: id, CreatedAt: time.Now()}, "sealed"))
}

func TestKeysSeeTheirOwn(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	addKey(t, w.store, "K1")
	ann, ben := authz.Actor{KeyID: "K1"}, authz.Actor{KeyID: "K2"}
	h, err := w.service.Create(ctx, ann, webhooks.NewWebhook{URL: "https://example.org/", Name: "mine"})
	ok(t, err)
	global := w.hook("https://example.com/", "")
	if h.KeyID != "K1" || !strings.HasPrefix(h.Secret, "whsec_") || h.Secret == global.Secret {
		t.Errorf("webhook %+v", h)
	}
	for actor, want := range map[string][]string{"K1": {h.ID}, "K2": nil, "": {h.ID, global.ID}} {
		list, err := w.service.List(ctx, authz.Actor{KeyID: actor, System: actor == ""})
		ok(t, err)
		var got []string
		for _, one := range list {
			got = append(got, one.ID)
			if one.Secret != "" {
				t.Error("a list shows a secret")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q sees %q, want %q", actor, got, want)
		}
	}
	for name, do := range map[string]func() error{
		"get":        func() error { _, err := w.service.Get(ctx, ben, h.ID); return err },
		"delete":     func() error { return w.service.Delete(ctx, ben, h.ID) },
		"rotate":     func() error { _, err := w.service.Rotate(ctx, ben, h.ID); return err },
		"test":       func() error { _, err := w.service.Test(ctx, ben, h.ID); return err },
		"deliveries": func() error { _, err := w.service.Deliveries(ctx, ben, h.ID, webhooks.Query{}); return err },
		"replay":     func() error { _, err := w.service.Replay(ctx, ben, h.ID, webhooks.Query{}); return err },
		"global":     func() error { _, err := w.service.Get(ctx, ann, global.ID); return err },
	} {
		if err := do(); errs.CodeOf(err) != errs.NotFound {
			t.Errorf("%s of somebody else's: %v", name, err)
		}
	}
	if _, err := w.service.List(ctx, authz.Actor{AccountID: "ann"}); errs.CodeOf(err) != errs.Forbidden {
		t.Errorf("a person: %v", err)
	}
	ok(t, w.service.Delete(ctx, ann, h.ID))
	if _, err := w.service.Get(ctx, ann, h.ID); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("after the deletion: %v", err)
	}
}

func TestRefusesNonsense(t *testing.T) {
	w := newWorld(t)
	for field, in := range map[string]webhooks.NewWebhook{
		"url":        {URL: "arn:aws:sns:eu-central-1:123456789012:topic"},
		"name":       {URL: "https://example.org", Name: "a\nb"},
		"eventTypes": {URL: "https://example.org", EventTypes: []string{"chime:MeetingEnded", "chime:Nonsense"}},
	} {
		_, err := w.service.Create(t.Context(), system(), in)
		if _, got := errs.Public(err); errs.CodeOf(err) != errs.Invalid || got != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := w.service.Create(t.Context(), system(), webhooks.NewWebhook{URL: "https://example.org", KeyID: "K1"}); errs.CodeOf(err) != errs.Invalid {
		t.Errorf("a key that does not exist: %v", err)
	}
	addKey(t, w.store, "K1")
	for range 20 {
		w.hook("https://example.org", "K1")
	}
	if _, err := w.service.Create(t.Context(), authz.Actor{KeyID: "K1"}, webhooks.NewWebhook{URL: "https://example.org"}); errs.CodeOf(err) != errs.LimitExceeded {
		t.Errorf("one too many: %v", err)
	}
	h := w.hook("https://example.org", "")
	if _, err := w.service.Deliveries(t.Context(), system(), h.ID, webhooks.Query{State: "lost"}); errs.CodeOf(err) != errs.Invalid {
		t.Errorf("an unknown state: %v", err)
	}
}

func TestTestAndRotation(t *testing.T) {
	w := newWorld(t)
	v := newReceiver(t, nil)
	h := w.hook(v.URL, "", "chime:MeetingEnded")
	next, err := w.service.Rotate(t.Context(), system(), h.ID)
	ok(t, err)
	if next.Secret == h.Secret {
		t.Fatal("the secret is the same")
	}
	d, _ := w.start()
	d.Wake()
	_, err = w.service.Test(t.Context(), system(), h.ID)
	ok(t, err)
	until(t, "the test", func() bool { return len(v.requests()) == 1 })
	r := v.requests()[0]
	if r.event.Detail.EventType != "carillon:WebhookTest" || !genuine(h.Secret, r) || !genuine(next.Secret, r) || genuine("whsec_eA==", r) {
		t.Errorf("headers %v, body %s", r.header, r.body)
	}
}
