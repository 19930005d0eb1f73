package chime

import (
	"net/http"
	"testing"
	"time"

	"carillon/internal/ids"
)

// A key may do twice its rate at once and its rate from then on, by whatever path it comes.
func TestRateOfKey(t *testing.T) {
	now := time.Now() // it stands still, and is not far from that of the signatures
	cfg := Config{Rates: &Rates{}, Clock: func() time.Time { return now }}
	newer := startWith(t, cfg)
	cfg.Prefix, cfg.Legacy = "/console", true
	older := startWith(t, cfg)
	get := func(a api, prefix, key string) response {
		t.Helper()
		return a.send(t, sent{method: "GET", path: prefix + "/meetings/" + ids.New(), key: key})
	}
	for range 10 {
		get(newer, "/chime", limitedKey).refused(t, http.StatusNotFound, "NotFoundException")
		get(older, "/console", limitedKey).refused(t, http.StatusNotFound, "NotFoundException")
	}
	get(newer, "/chime", limitedKey).refused(t, http.StatusTooManyRequests, "ThrottlingException")
	get(older, "/console", limitedKey).refused(t, http.StatusTooManyRequests, "ThrottledClientException")
	get(newer, "/chime", keyID).refused(t, http.StatusNotFound, "NotFoundException")
	newer.send(t, sent{method: "DELETE", path: "/chime/meetings/" + ids.New(), key: limitedKey}).refused(t, http.StatusNotFound, "NotFoundException")
	now = now.Add(time.Second)
	get(older, "/console", limitedKey).refused(t, http.StatusNotFound, "NotFoundException")
}
