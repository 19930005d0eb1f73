package sigv4

import "sync"

// derivation is what a signing key is derived from.
type derivation struct{ secret, date, region, service string }

// derive is the chain of hashes from the secret to the key of one day, region and service.
func (d derivation) derive() []byte {
	key := mac([]byte("AWS4"+d.secret), d.date)
	for _, part := range []string{d.region, d.service, terminator} {
		key = mac(key, part)
	}
	return key
}

// maxDerived bounds how many keys are kept.
const maxDerived = 4096

// derivedKeys keeps derived keys. Only those of requests whose signature was right get in, so nobody
// without a secret can fill it.
type derivedKeys struct {
	mu   sync.RWMutex
	keys map[derivation][]byte
}

func (c *derivedKeys) get(d derivation) []byte {
	c.mu.RLock()
	key, ok := c.keys[d]
	c.mu.RUnlock()
	if ok {
		return key
	}
	return d.derive()
}

func (c *derivedKeys) put(d derivation, key []byte) {
	c.mu.RLock()
	_, known := c.keys[d]
	c.mu.RUnlock()
	if known {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxDerived { // those of days gone by
		c.keys = make(map[derivation][]byte)
	}
	c.keys[d] = key
}
