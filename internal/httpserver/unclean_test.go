package httpserver

import (
	"net/http"
	"testing"

	"carillon/internal/api/rest"
)

// Programs read JSON and nothing else, and a signature is for one path: no path of theirs is redirected.
func TestProgramsAreNeverRedirected(t *testing.T) {
	h, _, _ := setup(t, func(c *Config) {
		c.Webhooks = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rest.Write(w, http.StatusTeapot, map[string]string{"path": r.URL.EscapedPath()})
		})
		c.Events, c.Signal = c.Webhooks, c.Webhooks
	})
	for _, path := range []string{
		"/webhooks", "/webhooks/a", "/webhooks/a%2Fb", "/webhooks//a", "/webhooks/../webhooks", "/webhooks/.",
		"/events", "/events?beacon=1", "/signal/a", "/signal//a", "/events//",
	} {
		for _, method := range []string{"GET", "POST"} {
			res := do(h, request(method, path, ""))
			if body := bodyOf(t, res); res.StatusCode != http.StatusTeapot || res.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s: %d %v %s", method, path, res.StatusCode, res.Header, body)
			}
		}
	}
}
