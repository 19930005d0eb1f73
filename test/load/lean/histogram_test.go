package lean

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestHistogramQuantiles(t *testing.T) {
	var h, other Histogram
	if h.Quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	random := rand.New(rand.NewPCG(1, 2))
	var values []int64
	for i := range 10_000 {
		v := random.Int64N(1 << (1 + random.IntN(40)))
		values = append(values, v)
		if i%2 == 0 {
			h.Add(v)
		} else {
			other.Add(v)
		}
	}
	h.Merge(&other)
	slices.Sort(values)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
		exact := values[max(int(q*10_000+0.5)-1, 0)]
		if got := h.Quantile(q); got < exact || float64(got) > 1.04*float64(exact)+1 {
			t.Errorf("quantile %v is %d, exactly %d", q, got, exact)
		}
	}
}

func TestBucketsAreInOrder(t *testing.T) {
	for v := int64(0); v < 1<<12; v++ {
		i := bucket(uint64(v))
		if upper(i) < v || i > 0 && upper(i-1) >= v {
			t.Fatalf("%d is in bucket %d, which ends at %d", v, i, upper(i))
		}
	}
	if i := bucket(1<<63 - 1); i >= len(Histogram{}.counts) {
		t.Errorf("bucket %d of %d", i, len(Histogram{}.counts))
	}
}
