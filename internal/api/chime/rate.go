package chime

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"carillon/internal/accounts"
	"carillon/internal/errs"
)

// Rates holds a token bucket for each access key and operation of those keys that have a limit. Only
// requests with a right signature get here, so there are as many as keys and operations. The zero value is
// ready; both versions of the API share one, because a limit belongs to the key.
type Rates struct {
	mu      sync.Mutex
	buckets map[bucketName]*rate.Limiter
}

type bucketName struct{ key, operation string }

// take refuses a request over the rate of its key. A bucket holds what comes in two seconds.
func (r *Rates) take(now time.Time, k accounts.APIKey, operation string) error {
	limit := k.Limits.Rate
	if limit <= 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := bucketName{k.ID, operation}
	b := r.buckets[name]
	if b == nil || b.Limit() != rate.Limit(limit) {
		if r.buckets == nil {
			r.buckets = make(map[bucketName]*rate.Limiter)
		}
		b = rate.NewLimiter(rate.Limit(limit), 2*limit)
		r.buckets[name] = b
	}
	if !b.AllowN(now, 1) {
		return errs.New(errs.Throttled, "Rate exceeded: this access key may do %d requests of this kind per second.", limit)
	}
	return nil
}
