package bwe

// recent knows the least estimate of the last second.
type recent struct {
	buckets [recentBuckets]int64
	head    int64
	started bool
}

const (
	recentBuckets = 10
	recentTime    = second / recentBuckets
)

func (r *recent) note(bps, now int64) {
	n := now / recentTime
	if !r.started || n-r.head >= recentBuckets {
		for i := range r.buckets {
			r.buckets[i] = bps
		}
		r.head, r.started = n, true
		return
	}
	for r.head < n {
		r.head++
		r.buckets[r.head%recentBuckets] = bps
	}
	b := &r.buckets[r.head%recentBuckets]
	*b = min(*b, bps)
}

func (r *recent) least() int64 {
	least := r.buckets[0]
	for _, b := range r.buckets {
		least = min(least, b)
	}
	return least
}
