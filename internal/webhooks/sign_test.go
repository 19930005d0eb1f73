package webhooks

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"carillon/internal/seal"
)

// TestSignature is the published example of Standard Webhooks.
func TestSignature(t *testing.T) {
	got, err := signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSignaturesDuringRotation(t *testing.T) {
	key := bytes.Repeat([]byte{7}, seal.KeySize)
	now := time.Unix(1_700_000_000, 0)
	sealed := func(secret string) string {
		s, err := seal.Seal(key, sealOwner("w"), secret)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	until := now.Add(time.Hour)
	w := Webhook{ID: "w", Sealed: sealed("whsec_bmV3"), PreviousSealed: sealed("whsec_b2xk"), PreviousUntil: &until}
	both, err := signatures(key, w, "id", now, nil)
	if err != nil || len(strings.Fields(both)) != 2 {
		t.Fatalf("during the rotation: %q %v", both, err)
	}
	one, err := signatures(key, w, "id", until, nil)
	if err != nil || len(strings.Fields(one)) != 1 {
		t.Fatalf("after it: %q %v", one, err)
	}
	w.ID = "v" // the sealed secret of another webhook
	if _, err := signatures(key, w, "id", now, nil); err == nil {
		t.Error("a secret was used for another webhook")
	}
}
