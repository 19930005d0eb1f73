package ingestion

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"carillon/internal/errs"
	"carillon/internal/timeline"
)

type fake struct {
	err   error
	token string
}

func (f *fake) Accept(_ context.Context, token string, r timeline.Report) (int, error) {
	f.token = token
	return len(r.Events), f.err
}

const body = `{"metadata":{"meetingId":"5b0c7a0e-9d1b-4c7e-8a52-6f2f3c9a2713"},"events":[{"type":"Meet","payloads":[{"name":"a"}]}],"authorization":"beacon"}`

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name, method, path, authorization, body string
		err                                     error
		status                                  int
		token, retry                            string
	}{
		{"a report", "POST", "/events", "Bearer abc", body, nil, 200, "abc", ""},
		{"a scheme in small letters", "POST", "/events", "bearer abc", body, nil, 200, "abc", ""},
		{"a beacon", "POST", "/events?beacon=1", "", body, nil, 200, "beacon", ""},
		{"a beacon with a scheme", "POST", "/events?beacon=1", "", strings.Replace(body, `"beacon"`, `"Bearer xyz"`, 1), nil, 200, "xyz", ""},
		{"a token in the body that is no beacon", "POST", "/events", "", body, nil, 401, "", ""},
		{"no token", "POST", "/events?beacon=1", "", strings.Replace(body, `"beacon"`, `""`, 1), nil, 401, "", ""},
		{"another scheme", "POST", "/events", "Basic abc", body, nil, 401, "", ""},
		{"nonsense", "POST", "/events", "Bearer abc", "{", nil, 400, "", ""},
		{"too much", "POST", "/events", "Bearer abc", strings.Repeat(" ", maxBody+1), nil, 413, "", ""},
		{"a reader", "GET", "/events", "", "", nil, 405, "", ""},
		{"a forged token", "POST", "/events", "Bearer abc", body, errs.New(errs.Unauthenticated, "no"), 401, "abc", ""},
		{"an old meeting", "POST", "/events", "Bearer abc", body, errs.New(errs.Gone, "no"), 410, "abc", ""},
		{"a full timeline", "POST", "/events", "Bearer abc", body, errs.New(errs.LimitExceeded, "no"), 403, "abc", ""},
		// Clients try again after these.
		{"too often", "POST", "/events", "Bearer abc", body, errs.New(errs.Throttled, "no"), 429, "abc", "5"},
		{"a broken database", "POST", "/events", "Bearer abc", body, errors.New("disk /dev/x is full"), 503, "abc", "5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{err: c.err}
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.authorization != "" {
				r.Header.Set("Authorization", c.authorization)
			}
			w := httptest.NewRecorder()
			New(f, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
			if w.Code != c.status || f.token != c.token || w.Header().Get("Retry-After") != c.retry {
				t.Errorf("status %d, token %q, retry %q: %s", w.Code, f.token, w.Header().Get("Retry-After"), w.Body)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Content-Type") != "application/json" ||
				strings.Contains(w.Body.String(), "/dev/x") {
				t.Errorf("answer %v %s", w.Header(), w.Body)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	r := httptest.NewRequest(http.MethodOptions, "/events", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization")
	w := httptest.NewRecorder()
	New(&fake{}, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
	h := w.Header()
	if w.Code != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "authorization") ||
		h.Get("Access-Control-Allow-Methods") != "POST" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("status %d, %v", w.Code, h)
	}
}
