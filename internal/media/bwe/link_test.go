package bwe

import (
	"math/rand/v2"
	"slices"
)

// link is a simulated way to a receiver: a bottleneck with a queue, then a delay with jitter, and loss.
type link struct {
	rate   int64 // bit/s
	queue  int64 // ns at rate that it holds before it drops
	delay  int64
	jitter int64
	loss   float64
	stall  int64 // ns, the longest time for which the receiver takes nothing in, now and then
	random *rand.Rand

	free     int64 // when the bottleneck has sent what it holds
	lastAt   int64
	maxQueue int64

	stallFrom, stallTo int64
}

// stallEvery is the mean time between two stalls.
const stallEvery = 300 * millisecond

// held is when a receiver that stalls takes in what arrives.
func (l *link) held(at int64) int64 {
	for l.stall > 0 && at >= l.stallFrom {
		if at < l.stallTo {
			return l.stallTo
		}
		l.stallFrom = max(at, l.stallTo) + int64(l.random.ExpFloat64()*stallEvery)
		l.stallTo = l.stallFrom + l.random.Int64N(l.stall)
	}
	return at
}

// send returns when a packet arrives; false when it is lost.
func (l *link) send(now int64, size int) (int64, bool) {
	l.free = max(l.free, now)
	if l.free-now > l.queue {
		return 0, false
	}
	l.free += int64(size+overhead) * 8 * second / l.rate
	l.maxQueue = max(l.maxQueue, l.free-now)
	if l.random.Float64() < l.loss {
		return 0, false
	}
	at := l.free + l.delay
	if l.jitter > 0 {
		at += l.random.Int64N(l.jitter)
	}
	l.lastAt = max(l.lastAt, l.held(at)) // a path keeps the order
	return l.lastAt, true
}

// event is something that happens at a time of the simulation.
type event struct {
	at int64
	do func(now int64)
}

// loop runs events in the order of their times.
type loop struct {
	events []event
	now    int64
}

func (l *loop) after(at int64, do func(int64)) {
	i, _ := slices.BinarySearchFunc(l.events, at, func(e event, at int64) int {
		if e.at <= at {
			return -1
		}
		return 1
	})
	l.events = slices.Insert(l.events, i, event{at, do})
}

// every repeats do, first after one period.
func (l *loop) every(period int64, do func(int64)) {
	var again func(int64)
	again = func(now int64) {
		do(now)
		l.after(now+period, again)
	}
	l.after(l.now+period, again)
}

func (l *loop) run(until int64) {
	for len(l.events) > 0 && l.events[0].at <= until {
		e := l.events[0]
		l.events = slices.Delete(l.events, 0, 1)
		l.now = e.at
		e.do(e.at)
	}
	l.now = until
}
