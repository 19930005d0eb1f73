package httpserver

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzSignIn sends bodies of any kind. They are understood or refused, never the server's fault.
func FuzzSignIn(f *testing.F) {
	for _, body := range []string{`{"email":"e","password":"p"}`, `{"email":1}`, `{"email":{"a":[]}}`, `[]`, `null`, ``, "{\"email\":\"\xff\"}"} {
		f.Add(body, "application/json")
	}
	f.Add("email=e", "application/x-www-form-urlencoded")
	f.Fuzz(func(t *testing.T, body, contentType string) {
		h, _, _ := setup(t, nil)
		r := request(http.MethodPost, "/auth/sign-in", body)
		r.Header.Set("Content-Type", contentType)
		res := do(h, r)
		if res.StatusCode >= http.StatusInternalServerError {
			t.Errorf("got %d", res.StatusCode)
		}
		if answer := bodyOf(t, res); !strings.HasPrefix(answer, "{") {
			t.Errorf("got %q", answer)
		}
	})
}

// FuzzAcceptsGzip compares with what the header must contain at least.
func FuzzAcceptsGzip(f *testing.F) {
	for _, header := range []string{"gzip", "br, gzip;q=0.5", "gzip;q=0", "gzip; q=0.000", "GZIP", "*", "", "gzip;q=", ",;,"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if acceptsGzip(header) && !strings.Contains(strings.ToLower(header), "gzip") {
			t.Errorf("%q accepts gzip", header)
		}
	})
}

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"gzip": true, "br, gzip;q=0.5": true, "GZIP": true, "gzip;q=1": true, "gzip ; q=0.001": true,
		"gzip;q=0": false, "gzip; q=0.000": false, "": false, "br": false, "*": false, "x-gzip": false,
	} {
		if acceptsGzip(header) != want {
			t.Errorf("%q: want %v", header, want)
		}
	}
}
