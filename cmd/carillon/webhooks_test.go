package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"carillon/internal/server/servertest"
	"carillon/internal/webhooks"
)

// TestWebhooks runs the commands beside a running server.
func TestWebhooks(t *testing.T) {
	s := servertest.Start(t, "--webhook-networks=127.0.0.1/32")
	var status, requests atomic.Int32
	status.Store(http.StatusNoContent)
	v := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	defer v.Close()
	command := func(want int, args ...string) (out, errors string) {
		t.Helper()
		args = append([]string{"webhooks", args[0], "--data", s.Data}, args[1:]...)
		got, out, errors := carillon(t, "", args...)
		if got != want {
			t.Fatalf("%q: status %d\n%s%s", args, got, out, errors)
		}
		return out, errors
	}
	out, _ := command(0, "create", "--url", v.URL, "--name", "board", "--events", "chime:MeetingStarted,chime:MeetingEnded", "--json")
	var h webhooks.Webhook
	if err := json.Unmarshal([]byte(out), &h); err != nil || h.Secret == "" || len(h.EventTypes) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	if out, _ = command(0, "list"); !strings.Contains(out, h.ID) || !strings.Contains(out, "board") || strings.Contains(out, h.Secret) {
		t.Errorf("list:\n%s", out)
	}
	if out, _ = command(0, "rotate", h.ID); !strings.Contains(out, "whsec_") || strings.Contains(out, h.Secret) {
		t.Errorf("rotate:\n%s", out)
	}
	if out, _ = command(0, "test", h.ID); !strings.Contains(out, "status 204") {
		t.Errorf("test:\n%s", out)
	}
	status.Store(http.StatusTeapot)
	if _, errors := command(1, "test", h.ID); !strings.Contains(errors, "status 418") {
		t.Errorf("a test that fails: %s", errors)
	}
	if out, _ = command(0, "deliveries", h.ID, "--state", "delivered"); strings.Count(out, "carillon:WebhookTest") != 1 {
		t.Errorf("deliveries:\n%s", out)
	}
	if out, _ = command(0, "replay", h.ID, "--since", "1h"); !strings.HasPrefix(out, "1 events") {
		t.Errorf("replay: %s", out)
	}
	command(2, "replay", h.ID)
	command(2, "replay", h.ID, "--since", "yesterday")
	command(2, "deliveries", h.ID, "--state", "lost")
	command(2, "create", "--url", "arn:aws:sqs:eu-central-1:123456789012:queue")
	command(1, "test", "no-such-webhook")
	command(0, "delete", h.ID)
	command(1, "delete", h.ID)
	if requests.Load() < 2 {
		t.Errorf("%d requests", requests.Load())
	}
}

// Without a server nothing is sent, which the command says.
func TestWebhookTestWithoutServer(t *testing.T) {
	data := t.TempDir()
	_, out, _ := carillon(t, "", "webhooks", "create", "--data", data, "--url", "https://example.org", "--json")
	var h webhooks.Webhook
	if err := json.Unmarshal([]byte(out), &h); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	status, _, errors := carillon(t, "", "webhooks", "test", "--data", data, "--wait", "1ms", h.ID)
	if status != 1 || !strings.Contains(errors, "does the server run?") {
		t.Errorf("status %d, %s", status, errors)
	}
}
