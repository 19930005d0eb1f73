package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"carillon/internal/seal"
)

// signature signs a request as Standard Webhooks describes (version "v1"): HMAC-SHA256, in base64, over
// the event id, the time of the attempt in seconds and the body, with full stops between.
func signature(secret, eventID string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(eventID + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// signatures is the value of the signature header: one for each secret that is valid, separated by spaces.
func signatures(sealKey []byte, w Webhook, eventID string, at time.Time, body []byte) (string, error) {
	sealed := []string{w.Sealed}
	if w.PreviousUntil != nil && at.Before(*w.PreviousUntil) {
		sealed = append(sealed, w.PreviousSealed)
	}
	var list []string
	for _, s := range sealed {
		secret, err := seal.Open(sealKey, sealOwner(w.ID), s)
		if err != nil {
			return "", errors.New("the secret of the webhook cannot be opened; was the key file of the data directory replaced?")
		}
		one, err := signature(secret, eventID, at, body)
		if err != nil {
			return "", err
		}
		list = append(list, one)
	}
	return strings.Join(list, " "), nil
}
