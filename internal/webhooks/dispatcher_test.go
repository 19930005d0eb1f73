package webhooks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carillon/internal/authz"
	"carillon/internal/errs"
	"carillon/internal/events"
	"carillon/internal/webhooks"
)

func TestDeliversInOrderAndTriesAgain(t *testing.T) {
	w := newWorld(t)
	v := newReceiver(t, func(rw http.ResponseWriter, r request) {
		if r.n%3 != 2 { // two failures before each success
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
	h := w.hook(v.URL, "")
	d, _ := w.start()
	var list []events.Event
	for range 5 {
		list = append(list, w.happen(events.AttendeeJoined, "c1"), w.happen(events.AttendeeLeft, "c1"))
	}
	ok(t, d.HandleEvents(t.Context(), list))
	ok(t, d.HandleEvents(t.Context(), list)) // the consumer may see events twice
	until(t, "everything to be delivered", func() bool { return len(w.deliveries(h, webhooks.Query{State: webhooks.Delivered})) == len(list) })
	got := v.requests()
	if len(got) != 3*len(list) {
		t.Fatalf("%d requests, want %d", len(got), 3*len(list))
	}
	ids := make(map[string]bool)
	for i, r := range got {
		want := "chime:AttendeeJoined"
		if i/3%2 == 1 {
			want = "chime:AttendeeLeft"
		}
		if r.event.Detail.EventType != want || r.event.Detail.AttendeeID != "a" || r.event.Detail.MeetingID != "c1" {
			t.Errorf("request %d: %s", i, r.body)
		}
		if id := r.header.Get("webhook-id"); id != r.event.ID || id != got[i/3*3].event.ID {
			t.Errorf("request %d has the id %s", i, id)
		}
		if !genuine(h.Secret, r) || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("request %d: headers %v", i, r.header)
		}
		ids[r.event.ID] = true
	}
	if len(ids) != len(list) {
		t.Errorf("%d ids for %d events", len(ids), len(list))
	}
	if done := w.deliveries(h, webhooks.Query{})[0]; done.Attempts != 3 || done.Status != 200 || done.Error != "" {
		t.Errorf("delivery: %+v", done)
	}
}

func TestEachHearsWhatIsItsOwn(t *testing.T) {
	w := newWorld(t)
	addKey(t, w.store, "K1")
	all, one, some := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	early := w.happen(events.ConferenceCreated, "c1")
	w.hook(all.URL, "")
	w.hook(some.URL, "", "chime:MeetingEnded")
	_, err := w.service.Create(t.Context(), authz.Actor{KeyID: "K1"}, webhooks.NewWebhook{URL: one.URL, KeyID: "K2"}) // it cannot ask for others'
	ok(t, err)
	d, _ := w.start()
	ok(t, d.HandleEvents(t.Context(), []events.Event{early, w.happen(events.MeetingCreated, "x"), w.happen(events.AttendeeJoined, "gone"),
		{Seq: 1000, Type: events.AttendeeJoined, Payload: []byte("broken"), At: time.Now()}}))
	ok(t, d.HandleEvents(t.Context(), []events.Event{w.happen(events.AttendeeJoined, "c1"), w.happen(events.AttendeeJoined, "c2"),
		w.happen(events.AttendeeJoined, "c3"), w.happen(events.ConferenceEnded, "c1"), w.happen(events.ConferenceEnded, "c2")}))
	heard := func(v *receiver) string {
		var list []string
		for _, r := range v.requests() {
			list = append(list, strings.TrimPrefix(r.event.Detail.EventType, "chime:")+" "+r.event.Detail.MeetingID)
		}
		slices.Sort(list) // conferences overtake each other
		return strings.Join(list, ", ")
	}
	for name, want := range map[*receiver]string{
		all:  "AttendeeJoined c1, AttendeeJoined c2, AttendeeJoined c3, MeetingEnded c1, MeetingEnded c2",
		one:  "AttendeeJoined c1, MeetingEnded c1",
		some: "MeetingEnded c1, MeetingEnded c2",
	} {
		until(t, want+" (got "+heard(name)+")", func() bool { return heard(name) == want })
	}
	ok(t, w.store.RevokeKey(t.Context(), "K1", time.Now()))
	ok(t, d.HandleEvents(t.Context(), []events.Event{w.happen(events.AttendeeJoined, "c1")}))
	until(t, "the event after the key was revoked", func() bool { return len(all.requests()) == 6 })
	if n := len(one.requests()); n != 2 {
		t.Errorf("the webhook of the revoked key got %d requests, want 2", n)
	}
}

func TestSlowReceiverHoldsUpNobody(t *testing.T) {
	w := newWorld(t)
	w.cfg.Timeout = 300 * time.Millisecond
	release := make(chan struct{})
	var inside, most atomic.Int32
	slow := newReceiver(t, func(http.ResponseWriter, request) {
		if n := inside.Add(1); n > most.Load() {
			most.Store(n)
		}
		<-release
		inside.Add(-1)
	})
	quick := newReceiver(t, nil)
	hung, fine := w.hook(slow.URL, ""), w.hook(quick.URL, "")
	for i := range 10 { // more conferences than requests may be under way
		id := fmt.Sprint("many", i)
		c := w.known["c1"]
		c.ID = id
		w.known[id] = c
	}
	d, _ := w.start()
	var list []events.Event
	for i := range 10 {
		list = append(list, w.happen(events.AttendeeJoined, fmt.Sprint("many", i)))
	}
	ok(t, d.HandleEvents(t.Context(), list))
	until(t, "the quick receiver to have everything", func() bool { return len(w.deliveries(fine, webhooks.Query{State: webhooks.Delivered})) == 10 })
	until(t, "a request to be given up", func() bool {
		return slices.ContainsFunc(w.deliveries(hung, webhooks.Query{}), func(v webhooks.Delivery) bool {
			return v.State == webhooks.Due && v.Error == "no answer within 300ms"
		})
	})
	close(release)
	until(t, "the slow receiver to have everything in the end", func() bool {
		return len(w.deliveries(hung, webhooks.Query{State: webhooks.Delivered})) == 10
	})
}

func TestDeadLettersAreKeptAndReplayed(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxAge = 50 * time.Millisecond
	var healed atomic.Bool
	v := newReceiver(t, func(rw http.ResponseWriter, _ request) {
		if !healed.Load() {
			rw.WriteHeader(http.StatusBadGateway)
		}
	})
	h := w.hook(v.URL, "")
	d, _ := w.start()
	ok(t, d.HandleEvents(t.Context(), []events.Event{w.happen(events.AttendeeJoined, "c1"), w.happen(events.AttendeeLeft, "c1")}))
	until(t, "both to be given up", func() bool { return len(w.deliveries(h, webhooks.Query{State: webhooks.Dead})) == 2 })
	dead := w.deliveries(h, webhooks.Query{State: webhooks.Dead})[0]
	if dead.Status != 502 || dead.Error != "the receiver answered with status 502" || dead.FinishedAt == nil {
		t.Errorf("dead: %+v", dead)
	}
	healed.Store(true)
	before := len(v.requests())
	n, err := w.service.Replay(t.Context(), system(), h.ID, webhooks.Query{State: webhooks.Dead})
	ok(t, err)
	if n != 2 {
		t.Fatalf("%d replayed", n)
	}
	until(t, "both to be delivered", func() bool { return len(w.deliveries(h, webhooks.Query{State: webhooks.Delivered})) == 2 })
	again := v.requests()[before:]
	if len(again) != 2 || again[0].event.Detail.EventType != "chime:AttendeeJoined" || again[0].event.ID != v.requests()[0].event.ID {
		t.Errorf("replayed %d: %s", len(again), again[0].body)
	}
	if _, err := w.service.Replay(t.Context(), system(), h.ID, webhooks.Query{DeliveryID: "x"}); errs.CodeOf(err) != errs.NotFound {
		t.Errorf("replaying what is not there: %v", err)
	}
}

func TestRestartGoesOn(t *testing.T) {
	w := newWorld(t)
	entered, release := make(chan struct{}), make(chan struct{})
	v := newReceiver(t, func(_ http.ResponseWriter, r request) {
		if r.n == 0 {
			close(entered)
			<-release
		}
	})
	h := w.hook(v.URL, "")
	d, stop := w.start()
	ok(t, d.HandleEvents(t.Context(), []events.Event{w.happen(events.AttendeeJoined, "c1"), w.happen(events.AttendeeLeft, "c1")}))
	<-entered
	stop() // breaks the request off
	close(release)
	if left := w.deliveries(h, webhooks.Query{State: webhooks.Due}); len(left) != 1 || left[0].Attempts != 0 {
		t.Fatalf("after the stop: %+v", left)
	}
	w.start()
	until(t, "both to be delivered", func() bool { return len(w.deliveries(h, webhooks.Query{State: webhooks.Delivered})) == 2 })
	if last := v.requests(); len(last) != 3 || last[2].event.Detail.EventType != "chime:AttendeeLeft" {
		t.Errorf("%d requests", len(last))
	}
}

func TestRefusesPrivateAddresses(t *testing.T) {
	w := newWorld(t)
	w.cfg.Guard = webhooks.Guard{}
	v := newReceiver(t, nil)
	named := w.hook(strings.Replace(v.URL, "127.0.0.1", "localhost", 1), "") // only looking it up shows where it leads
	secure := w.hook(strings.Replace(v.URL, "http:", "https:", 1), "")
	d, _ := w.start()
	ok(t, d.HandleEvents(t.Context(), []events.Event{w.happen(events.AttendeeJoined, "c1")}))
	for _, h := range []webhooks.Webhook{named, secure} {
		until(t, "a refusal of "+h.URL, func() bool {
			list := w.deliveries(h, webhooks.Query{State: webhooks.Due})
			return len(list) == 1 && strings.Contains(list[0].Error, "is not public")
		})
	}
	if n := len(v.requests()); n != 0 {
		t.Errorf("%d requests reached a private address", n)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t)
	inside := newReceiver(t, nil)
	v := newReceiver(t, func(rw http.ResponseWriter, _ request) {
		rw.Header().Set("Location", inside.URL)
		rw.WriteHeader(http.StatusTemporaryRedirect)
	})
	h := w.hook(v.URL, "")
	d, _ := w.start()
	ok(t, d.HandleEvents(t.Context(), []events.Event{w.happen(events.AttendeeJoined, "c1")}))
	until(t, "a second try", func() bool { return w.deliveries(h, webhooks.Query{})[0].Attempts >= 2 })
	if d := w.deliveries(h, webhooks.Query{})[0]; d.Status != 307 || d.State != webhooks.Due {
		t.Errorf("delivery: %+v", d)
	}
	if n := len(inside.requests()); n != 0 {
		t.Errorf("%d requests followed the redirect", n)
	}
}
