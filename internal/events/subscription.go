package events

import "slices"

// How many events wait for a subscriber before it counts as too slow.
const queueSize = 256

// Subscription is a live stream of events. Its reader has to keep up: when the queue is full the channel is
// closed, and the reader starts again from a fresh look at the data.
type Subscription struct {
	feed   *Feed
	types  []Type     // empty = all
	events chan Event // written and closed under feed.mu
}

// Subscribe returns the events of the given types (all types when none is given) from now on.
func (f *Feed) Subscribe(types ...Type) *Subscription {
	s := &Subscription{feed: f, types: types, events: make(chan Event, queueSize)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		close(s.events)
		return s
	}
	f.subs[s] = struct{}{}
	return s
}

// C is the channel of the events. It is closed by Close, when the reader was too slow, and when the feed
// closes.
func (s *Subscription) C() <-chan Event { return s.events }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.dropLocked(s)
}

func (s *Subscription) wants(t Type) bool { return len(s.types) == 0 || slices.Contains(s.types, t) }

// dropLocked forgets s and closes its channel, once.
func (f *Feed) dropLocked(s *Subscription) {
	if _, ok := f.subs[s]; ok {
		delete(f.subs, s)
		close(s.events)
	}
}
