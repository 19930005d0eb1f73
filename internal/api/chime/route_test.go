package chime

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"carillon/internal/ids"
)

func TestUnknownOperations(t *testing.T) {
	a := start(t)
	id := ids.New()
	for _, tc := range []struct{ method, path string }{
		{"GET", "/chime"},
		{"GET", "/chime/"},
		{"GET", "/chime/nope"},
		{"GET", "/chime/meetings"}, // listing belongs to an older API
		{"PATCH", "/chime/meetings"},
		{"PUT", "/chime/meetings/" + id},
		{"POST", "/chime/meetings?operation=bogus"},
		{"POST", "/chime/meetings?operation="},
		{"POST", "/chime/meetings?operation=create-attendees&operation=x"},
		{"GET", "/chime/meetings/" + id + "?operation=start"},
		{"POST", "/chime/meetings/" + id + "/attendees?operation=bogus"},
		{"POST", "/chime/meetings/"},
		{"POST", "/chime//meetings"},
		{"POST", "/chime/meetings/../meetings"},
		{"POST", "/chime/./meetings"},
		{"POST", "/chime/%6Deetings"},
		{"POST", "/meetings"},
		{"POST", "/chimemeetings"},
		{"OPTIONS", "/chime/meetings"},
		{"DELETE", "/chime/meetings/" + id + "/"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			a.send(t, sent{method: tc.method, path: tc.path}).refused(t, 404, "UnknownOperationException")
		})
	}
}

// What is read from the query is what was signed: a semicolon joins no members and hides none.
func TestQueryAsSigned(t *testing.T) {
	a := start(t)
	a.send(t, sent{method: "POST", path: "/chime/meetings?operation=create-attendees%3Bx", body: newMeeting().String(), edit: func(r *http.Request) {
		r.URL.RawQuery = "operation=create-attendees;x" // the same to the signature
	}}).refused(t, 404, "UnknownOperationException")
}

func TestAuthentication(t *testing.T) {
	a := start(t)
	valid := newMeeting().String()
	for _, tc := range []struct {
		name string
		sent sent
		want string
	}{
		{"no credentials", sent{unsigned: true}, "MissingAuthenticationTokenException"},
		{"no credentials, no such path", sent{unsigned: true, path: "/chime/nope"}, "MissingAuthenticationTokenException"},
		{"garbled", sent{unsigned: true, edit: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 nonsense") }}, "IncompleteSignatureException"},
		{"unknown key", sent{key: "CKZZZZZZZZZZZZZZZZZZ"}, "UnrecognizedClientException"},
		{"body changed", sent{edit: func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(bytes.Replace([]byte(valid), []byte("standup"), []byte("standUp"), 1)))
		}}, "InvalidSignatureException"},
		{"query changed", sent{edit: func(r *http.Request) { r.URL.RawQuery = "a=b" }}, "InvalidSignatureException"},
		{"old", sent{edit: func(r *http.Request) {
			r.Header.Set("X-Amz-Date", time.Now().UTC().Add(-time.Hour).Format("20060102T150405Z"))
		}}, "InvalidSignatureException"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.sent.method, tc.sent.body = "POST", valid
			if tc.sent.path == "" {
				tc.sent.path = "/chime/meetings"
			}
			a.send(t, tc.sent).refused(t, 403, tc.want)
			if open, err := a.store.OpenConferences(t.Context()); len(open) != 0 || err != nil {
				t.Error("a request that was refused made a meeting")
			}
		})
	}
}

func TestBodyLimit(t *testing.T) {
	a := start(t)
	padding := func(n int) string {
		body := newMeeting().with("Padding", "").String()
		return newMeeting().with("Padding", strings.Repeat("x", n-len(body))).String()
	}
	if got := a.post(t, "/chime/meetings", padding(maxBody)); got.StatusCode != http.StatusOK {
		t.Errorf("at the limit: %d %s", got.StatusCode, got.text)
	}
	a.post(t, "/chime/meetings", padding(maxBody+1)).refused(t, 413, "RequestTooLargeException")
}

func TestContentTypeDoesNotMatter(t *testing.T) {
	a := start(t)
	for _, contentType := range []string{"application/json; charset=utf-8", "text/plain", ""} {
		got := a.send(t, sent{method: "POST", path: "/chime/meetings", body: newMeeting().String(), contentType: &contentType})
		if got.StatusCode != http.StatusOK {
			t.Errorf("%q: %d %s", contentType, got.StatusCode, got.text)
		}
	}
}

// A router may strip the prefix; the signature and the routes still go by what the client sent.
func TestBehindStripPrefix(t *testing.T) {
	a := start(t)
	inner := a.Config.Handler
	a.Config.Handler = http.StripPrefix("/chime", inner)
	a.createMeeting(t, newMeeting())
}

func TestHandles(t *testing.T) {
	h := New(Config{Keys: keys{}, Prefix: "/console/"})
	for path, want := range map[string]bool{"/console": true, "/console/meetings": true, "/console//x": true, "/consoles": false, "/chime/meetings": false, "/": false} {
		if got := h.Handles(httptest.NewRequest("GET", path, nil)); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("/meetings/%2F")
	f.Add("/meetings/a/attendees/%zz/capabilities")
	f.Fuzz(func(t *testing.T, path string) {
		for _, r := range append(routes(current()), legacyRoutes()...) {
			labels, ok := match(r.path, path)
			if ok && len(labels) != strings.Count(r.path, label) {
				t.Fatalf("%s matched %q with labels %q", path, r.path, labels)
			}
		}
	})
}
