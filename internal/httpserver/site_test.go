package httpserver

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestSite(t *testing.T) {
	h, _, _ := setup(t, nil)
	const page = "<!doctype html><title>app</title>"
	const asBrowser = "text/html,application/xhtml+xml,*/*;q=0.8"
	tests := []struct {
		name, method, path string
		headers            []string
		status             int
		body, contentType  string
		cache              string
	}{
		{"page", "GET", "/", nil, 200, page, "text/html; charset=utf-8", "no-cache"},
		{"page by name", "GET", "/index.html", nil, 200, page, "text/html; charset=utf-8", "no-cache"},
		{"head", "HEAD", "/", nil, 200, "", "text/html; charset=utf-8", "no-cache"},
		{"file", "GET", "/favicon.svg", nil, 200, "<svg/>", "image/svg+xml", "no-cache"},
		{"hashed file", "GET", "/assets/app-1a2b.js", nil, 200, "console.log('app')", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"route of the application", "GET", "/meetings/42", []string{"Accept", asBrowser}, 200, page, "text/html; charset=utf-8", "no-cache"},
		{"unknown file", "GET", "/robots.txt", []string{"Accept", "*/*"}, 404, `{"error":{"code":"NOT_FOUND","message":"There is nothing at this address."}}`, "application/json", "no-store"},
		{"old hashed file is not the page", "GET", "/assets/app-0000.js", []string{"Accept", asBrowser}, 404, `{"error":{"code":"NOT_FOUND","message":"There is nothing at this address."}}`, "application/json", "no-store"},
		{"hidden file", "GET", "/.gitkeep", nil, 404, `{"error":{"code":"NOT_FOUND","message":"There is nothing at this address."}}`, "application/json", "no-store"},
		{"directory", "GET", "/assets/", nil, 404, `{"error":{"code":"NOT_FOUND","message":"There is nothing at this address."}}`, "application/json", "no-store"},
		{"other method", "POST", "/", nil, 405, `{"error":{"code":"INVALID","message":"The method is not allowed here."}}`, "application/json", "no-store"},
		{"packed", "GET", "/assets/big-3c.js", []string{"Accept-Encoding", "br, gzip"}, 200, "packed", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"not packed", "GET", "/assets/big-3c.js", []string{"Accept-Encoding", "gzip;q=0"}, 200, strings.Repeat("x", 1000), "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res := do(h, request(tt.method, tt.path, "", tt.headers...))
			if got := bodyOf(t, res); res.StatusCode != tt.status || got != tt.body {
				t.Errorf("got %d %q, want %d %q", res.StatusCode, got, tt.status, tt.body)
			}
			if got := res.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("Content-Type is %q, want %q", got, tt.contentType)
			}
			if got := res.Header.Get("Cache-Control"); got != tt.cache {
				t.Errorf("Cache-Control is %q, want %q", got, tt.cache)
			}
			if packed := tt.body == "packed"; packed != (res.Header.Get("Content-Encoding") == "gzip") {
				t.Errorf("Content-Encoding is %q", res.Header.Get("Content-Encoding"))
			}
		})
	}
}

func TestSiteRevalidates(t *testing.T) {
	h, _, _ := setup(t, nil)
	for _, encoding := range []string{"", "gzip"} {
		first := do(h, request("GET", "/assets/big-3c.js", "", "Accept-Encoding", encoding))
		etag := first.Header.Get("ETag")
		if again := do(h, request("GET", "/assets/big-3c.js", "", "Accept-Encoding", encoding, "If-None-Match", etag)); etag == "" || again.StatusCode != 304 {
			t.Errorf("encoding %q: ETag %q, then %d", encoding, etag, again.StatusCode)
		}
	}
}

func TestSiteWithoutClient(t *testing.T) {
	for _, web := range []fstest.MapFS{nil, {".gitkeep": {}}} {
		h, _, _ := setup(t, func(c *Config) {
			if c.Web = nil; web != nil {
				c.Web = web
			}
		})
		res := do(h, request("GET", "/", "", "Accept", "text/html"))
		if got := bodyOf(t, res); res.StatusCode != 404 || !strings.Contains(got, "not part of this build") {
			t.Errorf("got %d %q", res.StatusCode, got)
		}
	}
}
