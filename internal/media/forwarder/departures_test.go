package forwarder

import (
	"math/rand/v2"
	"testing"
)

// A number is spent once, in whatever order they come, across the wrap-around and jumps.
func TestNumbersAreSpentOnce(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 1))
	var o departures
	spent := map[int64]bool{}
	newest := int64(65_000)
	refused := 0
	for range 200_000 {
		ext := newest + int64(rnd.IntN(40)) - 30
		if rnd.IntN(1000) == 0 {
			ext = newest + int64(rnd.IntN(3000))
		}
		ok := o.spend(uint16(ext))
		switch {
		case ok && spent[ext]:
			t.Fatalf("%d is spent twice", ext)
		case !ok && !spent[ext] && ext > newest-holeBits && len(spent) > 0:
			t.Fatalf("%d is refused, the newest is %d", ext, newest)
		case !ok:
			refused++
		}
		spent[ext] = true
		newest = max(newest, ext)
	}
	if refused == 0 {
		t.Error("no number came twice")
	}
	if o.spend(uint16(newest - holeBits)) {
		t.Error("a number is spent of which nothing is known any more")
	}
}
