package accounts

import (
	"sync"
	"time"
)

// How many keys a throttle remembers. An attacker with more addresses than this makes it forget some.
const maxBuckets = 20_000

// throttle gives every key a budget of tries that refills with time (a token bucket). Unlike package rate it
// can give a try back, because only failed tries are to count.
type throttle struct {
	burst  float64       // tries in a full budget
	refill time.Duration // time for one try to come back

	mu      sync.Mutex
	buckets map[string]bucket // a key without a bucket has a full budget
	swept   time.Time
}

type bucket struct {
	tries float64
	at    time.Time // when tries was right
}

func newThrottle(burst int, refill time.Duration) *throttle {
	return &throttle{burst: float64(burst), refill: refill, buckets: make(map[string]bucket)}
}

// take uses up one try. When there is none it returns how long to wait for the next one. The empty key is
// not limited.
func (t *throttle) take(key string, now time.Time) (wait time.Duration) {
	if key == "" {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tries := t.triesLocked(key, now)
	if tries < 1 {
		return max(time.Duration((1-tries)*float64(t.refill)), time.Millisecond)
	}
	t.setLocked(key, tries-1, now)
	return 0
}

// giveBack returns one try.
func (t *throttle) giveBack(key string, now time.Time) {
	if key == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setLocked(key, t.triesLocked(key, now)+1, now)
}

func (t *throttle) triesLocked(key string, now time.Time) float64 {
	b, ok := t.buckets[key]
	if !ok {
		return t.burst
	}
	return t.filled(b, now)
}

func (t *throttle) filled(b bucket, now time.Time) float64 {
	return min(t.burst, b.tries+float64(max(0, now.Sub(b.at)))/float64(t.refill))
}

func (t *throttle) setLocked(key string, tries float64, now time.Time) {
	if tries >= t.burst {
		delete(t.buckets, key)
		return
	}
	if _, known := t.buckets[key]; !known && len(t.buckets) >= maxBuckets {
		t.makeRoomLocked(now)
	}
	t.buckets[key] = bucket{tries: tries, at: now}
}

// makeRoomLocked forgets the full budgets, which changes nothing, at most once a second; when that was not
// enough it forgets any key.
func (t *throttle) makeRoomLocked(now time.Time) {
	if now.Sub(t.swept) >= time.Second {
		t.swept = now
		for key, b := range t.buckets {
			if t.filled(b, now) >= t.burst {
				delete(t.buckets, key)
			}
		}
	}
	if len(t.buckets) < maxBuckets {
		return
	}
	for key := range t.buckets {
		delete(t.buckets, key)
		return
	}
}
