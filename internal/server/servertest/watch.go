package servertest

import (
	"sync"
	"time"
)

// Watch notes what a stream of a Simulcast camera shows, over time.
type Watch struct {
	mu    sync.Mutex
	spans []Span
	stop  chan struct{}
	done  chan struct{}
}

// Span is a time during which one encoding was received.
type Span struct {
	Label       byte
	First, Last time.Time // arrivals
}

// Watch reads the stream from now on, until the test ends.
func (s *Stream) Watch() *Watch {
	w := &Watch{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		for {
			select {
			case <-w.stop:
				return
			case packet := <-s.packets:
				if n := len(packet.Payload); n > 5 {
					w.note(packet.Payload[n-5])
				}
			}
		}
	}()
	s.t.Cleanup(func() { close(w.stop); <-w.done })
	return w
}

func (w *Watch) note(label byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if n := len(w.spans); n == 0 || w.spans[n-1].Label != label {
		w.spans = append(w.spans, Span{Label: label, First: now})
	}
	w.spans[len(w.spans)-1].Last = now
}

// Now is the last span; its Label is 0 before the first packet.
func (w *Watch) Now() Span {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.spans) == 0 {
		return Span{}
	}
	return w.spans[len(w.spans)-1]
}

// Since returns the spans of which some part is later than a moment.
func (w *Watch) Since(moment time.Time) (spans []Span) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.spans {
		if s.Last.After(moment) {
			spans = append(spans, s)
		}
	}
	return spans
}
