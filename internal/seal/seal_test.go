package seal

import (
	"bytes"
	"errors"
	"testing"
)

func TestSeal(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, KeySize)
	sealed, err := Seal(key, "ann", "secret")
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Seal(key, "ann", "secret"); again == sealed {
		t.Error("the same secret looks the same twice")
	}
	if got, err := Open(key, "ann", sealed); got != "secret" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	for name, open := range map[string]func() (string, error){
		"other owner": func() (string, error) { return Open(key, "ben", sealed) },
		"other key":   func() (string, error) { return Open(other, "ann", sealed) },
		"cut":         func() (string, error) { return Open(key, "ann", sealed[:10]) },
		"no base64":   func() (string, error) { return Open(key, "ann", "%") },
	} {
		if got, err := open(); got != "" || !errors.Is(err, ErrBroken) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	if _, err := Seal(key[:16], "ann", "secret"); err == nil {
		t.Error("a short key is accepted")
	}
}
