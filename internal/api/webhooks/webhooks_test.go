package webhooks

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A signature is for one path, and programs read nothing but JSON.
func TestUncleanPaths(t *testing.T) {
	h := New(Config{})
	for _, path := range []string{"/webhooks//a", "/webhooks/../webhooks", "/webhooks/.", "/webhooks/", "//webhooks", "/webhooks/a//test", "/nothing"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
		if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "application/json" || !strings.Contains(w.Body.String(), `"NOT_FOUND"`) {
			t.Errorf("%s: %d %v %s", path, w.Code, w.Header(), w.Body)
		}
	}
}
