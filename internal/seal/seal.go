// Package seal encrypts the secrets that have to be kept, for whoever can read the database but not the
// key file beside it. It is AES-256-GCM with random nonces. The package has no state.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// ErrBroken is what Open returns for a text that was not sealed with this key for this owner.
var ErrBroken = errors.New("seal: it was not sealed with this key for this owner")

// Seal encrypts the secret and binds it to its owner, so that sealed secrets cannot be swapped in the
// database.
func Seal(key []byte, owner, secret string) (string, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return "", err
	}
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nil, nil, []byte(secret), []byte(owner))), nil
}

// Open undoes Seal.
func Open(key []byte, owner, sealed string) (string, error) {
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return "", ErrBroken
	}
	aead, err := newAEAD(key)
	if err != nil {
		return "", err
	}
	secret, err := aead.Open(nil, nil, b, []byte(owner))
	if err != nil {
		return "", ErrBroken
	}
	return string(secret), nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != KeySize {
		return nil, errors.New("seal: the key has to have 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
