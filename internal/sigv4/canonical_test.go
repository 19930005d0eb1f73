package sigv4

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
)

func TestCanonicalPath(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "/",
		"/":                  "/",
		"/meetings/a%2Fb%20": "/meetings/a%252Fb%2520",
		"/a//b/../c/.":       "/a//b/../c/.",
		"/caf\u00e9":         "/caf%C3%A9",
		"/a:b*c~d":           "/a%3Ab%2Ac~d",
	} {
		if got := canonicalPath(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"&&":                "",
		"b=1&a=2":           "a=2&b=1",
		"a=2&a=1":           "a=1&a=2",
		"a=x&A=y":           "A=y&a=x",
		"flag":              "flag=",
		"a=b=c":             "a=b%3Dc",
		"a=1+2":             "a=1%2B2",
		"a=%7e%2f":          "a=~%2F",
		"a=1;b=2":           "a=1%3Bb%3D2",
		"a=%zz%2":           "a=%25zz%252",
		"a%20b=c":           "a%20b=c",
		"a-b=1&a=2":         "a=2&a-b=1",
		"k=caf%C3%A9&k=%c3": "k=%C3&k=caf%C3%A9",
	} {
		if got := canonicalQuery(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestRawTarget(t *testing.T) {
	for _, tc := range []struct{ uri, path, query string }{
		{"/a%2Fb?x=1?2", "/a%2Fb", "x=1?2"},
		{"http://h:1/a?b", "/a", "b"},
		{"http://h", "/", ""},
		{"http://h?x", "", "x"},
		{"*", "*", ""},
	} {
		path, query := rawTarget(&http.Request{RequestURI: tc.uri})
		if path != tc.path || query != tc.query {
			t.Errorf("%s: got %q %q, want %q %q", tc.uri, path, query, tc.path, tc.query)
		}
	}
	u := &url.URL{Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "q"}
	if got := RawPath(&http.Request{URL: u}); got != "/a%2Fb" {
		t.Errorf("without a request line: got %q", got)
	}
}

func TestCollapse(t *testing.T) {
	for in, want := range map[string]string{"": "", "   ": "", " a ": "a", "a  b   c": "a b c", "a b": "a b"} {
		if got := collapse(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestQuery(t *testing.T) {
	got := Query(&http.Request{RequestURI: "/a?x=1+2&y=%2B%20&z=a;b&x=%zz&flag&&"})
	want := url.Values{"x": {"1+2", "%zz"}, "y": {"+ "}, "z": {"a;b"}, "flag": {""}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
