package bwe

import "math"

const (
	beta           = 0.85 // of what arrives, after an overuse (draft-ietf-rmcat-gcc-02 section 5.5)
	growthPerSec   = 0.08 // while the capacity is not known
	provenGrowth   = 1.5  // of what arrives: beyond that an estimate would be a guess
	provenOffset   = 10_000
	minAdditive    = 4_000 // bit/s per second
	responseOffset = 100 * millisecond
	capacityWeight = 0.05
)

// aimd is the rate control: it grows additively near the capacity that it knows and multiplicatively
// elsewhere, and falls back to a share of what arrives when the delay grows.
type aimd struct {
	rate     float64 // bit/s
	changed  int64   // time of the last update, 0 = none
	fell     int64   // time of the last decrease, 0 = none
	holding  bool    // after a decrease, until the queue has drained
	capacity float64 // mean of what arrived at overuses, 0 = not known
	variance float64 // of that, relative to the mean
}

// update takes the signal of the delay in; acked is the rate that arrives, 0 = not known.
func (a *aimd) update(s signal, acked float64, packetSize int, rtt, now int64) {
	elapsed := float64(0)
	if a.changed != 0 {
		elapsed = float64(min(now-a.changed, second)) / second
	}
	a.changed = now
	switch s {
	case overuse:
		a.decrease(acked, rtt, now)
	case underuse:
		a.holding = false // the next normal signal lets it grow
	default:
		if a.holding {
			a.holding = false
			return
		}
		a.increase(acked, elapsed, packetSize, rtt)
	}
}

func (a *aimd) increase(acked, elapsed float64, packetSize int, rtt int64) {
	if acked == 0 {
		return
	}
	deviation := math.Sqrt(a.variance * a.capacity)
	if a.capacity > 0 && acked > a.capacity+3*deviation {
		a.capacity = 0 // there is more than we knew
	}
	grown := a.rate
	if a.capacity > 0 {
		response := float64(rtt+responseOffset) / second
		grown += max(float64(packetSize)*8/response, minAdditive) * elapsed
	} else {
		grown += max(a.rate*growthPerSec, 1000) * elapsed
	}
	a.rate = max(a.rate, min(grown, provenGrowth*acked+provenOffset))
}

func (a *aimd) decrease(acked float64, rtt, now int64) {
	// What was in flight when the rate fell still speaks of the rate before.
	if a.fell != 0 && now-a.fell < rtt+responseOffset && acked > a.rate/2 {
		return
	}
	if acked == 0 {
		acked = a.rate
	}
	if a.capacity > 0 && acked < a.capacity-3*math.Sqrt(a.variance*a.capacity) {
		a.capacity = 0
	}
	a.learn(acked)
	a.rate = min(a.rate, beta*acked)
	a.fell, a.holding = now, true
}

// learn takes in what arrived when the link was full.
func (a *aimd) learn(acked float64) {
	if a.capacity == 0 {
		a.capacity, a.variance = acked, 400
		return
	}
	d := acked - a.capacity
	a.capacity += capacityWeight * d
	a.variance = (1-capacityWeight)*a.variance + capacityWeight*d*d/a.capacity
	a.variance = min(max(a.variance, 400), 2500)
}
