package lean

import "math/bits"

// Histogram counts durations in ns, with a precision of about 3 %. The zero value is empty.
type Histogram struct {
	counts [64 * steps]uint32
	total  uint64
}

const steps = 32 // for each power of two

// Add counts one duration; negative ones count as 0.
func (h *Histogram) Add(ns int64) {
	h.counts[bucket(uint64(max(ns, 0)))]++
	h.total++
}

// Merge adds the counts of another histogram.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Count is how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile is the least duration that a share q of all does not exceed; 0 for an empty histogram.
func (h *Histogram) Quantile(q float64) int64 {
	if h.total == 0 {
		return 0
	}
	want := max(uint64(q*float64(h.total)+0.5), 1)
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= want {
			return upper(i)
		}
	}
	return upper(len(h.counts) - 1)
}

func bucket(v uint64) int {
	exponent := bits.Len64(v) - bits.Len(steps)
	if exponent < 0 {
		return int(v)
	}
	return (exponent+1)*steps + int(v>>exponent) - steps
}

// upper is the largest value of a bucket.
func upper(i int) int64 {
	if i < steps {
		return int64(i)
	}
	exponent := i/steps - 1
	return int64(steps+i%steps+1)<<exponent - 1
}
