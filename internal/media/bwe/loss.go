package bwe

import (
	"math"
	"slices"
)

const (
	lossPeriod    = 250 * millisecond // between two judgements
	lossWindow    = 2.0               // s, of the smoothed loss
	baselines     = 10                // seconds over which the least loss is what the path loses anyway
	maxBaseline   = 0.08              // no path loses more without being full
	excessLoss    = 0.04              // above the baseline: growing stops
	heavyLoss     = 0.10              // falling begins (draft-ietf-rmcat-gcc-02 section 6)
	hopelessLoss  = 0.35
	lossFloor     = 300_000 // bit/s: below it, sending less does not lose less, unless the loss is hopeless
	lossGrowth    = 0.08    // per second
	minLossSample = 10      // packets
)

// lossBound limits the rate by loss. Loss that is always there, as on many radio links, is not congestion:
// what counts is the loss above the least one of the last seconds.
type lossBound struct {
	rate           float64 // bit/s, +Inf = not in force
	received, lost int     // since judged
	judged         int64
	smooth         float64
	known          bool

	least  [baselines]float64
	slot   int
	slotAt int64
}

func (l *lossBound) init() {
	l.rate = math.Inf(1)
	for i := range l.least {
		l.least[i] = 1
	}
}

// lasting is the least loss of the last seconds.
func (l *lossBound) lasting() float64 {
	if !l.known {
		return 0
	}
	return slices.Min(l.least[:])
}

// baseline is what the path loses at any rate.
func (l *lossBound) baseline() float64 { return min(l.lasting(), maxBaseline) }

// congested tells whether more is lost than the path loses anyway.
func (l *lossBound) congested() bool {
	return l.known && (l.smooth > heavyLoss || l.smooth-l.baseline() > excessLoss)
}

// lift raises the bound to a rate that has been proven; at the next judgement without congestion it goes.
func (l *lossBound) lift(rate float64) { l.rate = max(l.rate, rate) }

// update judges from time to time. estimate is the bound by delay, least is what the smallest layers need.
func (l *lossBound) update(estimate, acked, least float64, rtt, now int64) {
	if l.judged == 0 {
		l.judged, l.slotAt = now, now
	}
	elapsed := now - l.judged
	n := l.received + l.lost
	if elapsed < max(lossPeriod, rtt) || n < minLossSample && elapsed < second {
		return
	}
	l.judged = now
	if n == 0 {
		return
	}
	l.mix(float64(l.lost)/float64(n), float64(elapsed)/second)
	l.received, l.lost = 0, 0
	l.remember(now)
	l.judge(estimate, acked, max(least, lossFloor), float64(min(elapsed, second))/second)
}

func (l *lossBound) mix(fraction, seconds float64) {
	if !l.known {
		l.smooth, l.known = fraction, true
		return
	}
	w := 1 - math.Exp(-2*seconds/lossWindow)
	l.smooth += w * (fraction - l.smooth)
}

func (l *lossBound) remember(now int64) {
	if now-l.slotAt >= second {
		l.slot = (l.slot + 1) % baselines
		l.least[l.slot] = 1
		l.slotAt = now
	}
	l.least[l.slot] = min(l.least[l.slot], l.smooth)
}

func (l *lossBound) judge(estimate, acked, floor, seconds float64) {
	switch {
	case l.smooth > heavyLoss:
		if l.smooth > hopelessLoss {
			floor = beta * acked
		}
		// A quarter of a second at a time, the whole amounts to half of the loss per round trip or so.
		cut := min(l.rate, estimate) * (1 - 0.5*l.smooth*min(4*seconds, 1))
		l.rate = min(l.rate, max(cut, floor))
	case l.smooth-l.baseline() > excessLoss:
		l.rate = min(l.rate, max(estimate, floor))
	case !math.IsInf(l.rate, 1):
		l.rate *= 1 + lossGrowth*seconds
		if l.rate > estimate {
			l.rate = math.Inf(1)
		}
	}
}
