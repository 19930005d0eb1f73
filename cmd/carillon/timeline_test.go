package main

import "testing"

// What clients report reaches the terminal of whoever looks at it.
func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"ü ☎"}`: `{"a":"ü ☎"}`, "\u009b31mred\x7f": "\ufffd31mred\ufffd", "a\u202eb": "a\ufffdb", "\xff": "\ufffd",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
