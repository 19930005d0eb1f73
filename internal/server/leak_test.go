package server_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/internal/server/servertest"
)

// people are those who come and go at the same time in TestNothingLeaks, beside one who stays.
const people = 6

// endings are the ways in which somebody goes.
var endings = []func(*servertest.Lean) error{
	(*servertest.Lean).Leave,
	func(l *servertest.Lean) error { l.Close(); return nil },
	func(l *servertest.Lean) error { l.Cut(); return nil },             // seen to leave when the same person comes again
	func(l *servertest.Lean) error { l.Hang(); return nil },            // media first; the socket is closed by the server
	func(l *servertest.Lean) error { l.Hang(); l.Close(); return nil }, // both at the same time
}

// People come, send and are sent audio and video, and go, in every way there is: neither goroutines nor memory stay.
func TestNothingLeaks(t *testing.T) {
	warmUp, cycles := 120, 1000
	if raceDetector {
		warmUp, cycles = 30, 120
	}
	m := newMeeting(t, people+1)
	ctx, cancel := context.WithCancel(t.Context())
	stays, err := servertest.EnterLean(ctx, m.tickets[people], 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	var staying sync.WaitGroup
	t.Cleanup(func() { cancel(); stays.Cut(); staying.Wait() })
	staying.Go(stays.Drain)
	staying.Go(func() { play(ctx, stays) })

	run := &coming{meeting: m, watch: stays.StreamID}
	run.come(t, ctx, warmUp)
	before := settled(t, 0)
	run.come(t, ctx, cycles)
	after := settled(t, before.goroutines)
	t.Logf("%d cycles: %d goroutines before, %d after; heap %d KiB before, %d KiB after",
		cycles, before.goroutines, after.goroutines, before.heap>>10, after.heap>>10)
	// A participant that stays, with the memory of its video, takes 100 KiB and more; what the server remembers of
	// people on purpose, a few hundred bytes.
	if limit := before.heap + uint64(cycles)*2048 + 1<<20; after.heap > limit {
		t.Errorf("the heap has grown from %d to %d KiB", before.heap>>10, after.heap>>10)
	}
}

// play sends media, and now and then shows that the client is still there, until ctx ends.
func play(ctx context.Context, l *servertest.Lean) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if l.Play() != nil {
			return
		}
		if n%100 == 0 {
			l.Refresh()
		}
	}
}

// coming is people who come and go.
type coming struct {
	*meeting
	watch   uint32
	session atomic.Uint64
}

// come lets people come and go that many times in total. In the end everybody has left in order.
func (c *coming) come(t *testing.T, ctx context.Context, times int) {
	t.Helper()
	var all sync.WaitGroup
	for _, ticket := range c.tickets[:people] {
		all.Go(func() {
			for i := range times / people {
				if err := c.once(ctx, ticket, endings[i%len(endings)]); err != nil {
					t.Errorf("cycle %d: %v", i, err)
					return
				}
			}
			if err := c.once(ctx, ticket, (*servertest.Lean).Leave); err != nil {
				t.Errorf("the last cycle: %v", err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func (c *coming) once(ctx context.Context, ticket servertest.Ticket, end func(*servertest.Lean) error) error {
	l, err := servertest.EnterLean(ctx, ticket, c.session.Add(1), c.watch)
	if err != nil {
		return fmt.Errorf("enter: %w", err)
	}
	defer l.Cut()
	for range 3 {
		if err := l.Play(); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	if err := l.Receive(); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return end(l)
}

// usage is what the process takes.
type usage struct {
	goroutines int
	heap       uint64 // bytes
}

// settled waits until there are not more goroutines than that, or, for 0, until their number has not changed for a
// while: connections are closed in the background.
func settled(t *testing.T, goroutines int) (u usage) {
	t.Helper()
	deadline := time.Now().Add(servertest.Patience)
	for same := 0; same < 10; time.Sleep(100 * time.Millisecond) {
		n := runtime.NumGoroutine()
		switch {
		case goroutines > 0 && n <= goroutines:
			same = 10
		case goroutines == 0 && n == u.goroutines:
			same++
		default:
			same = 0
		}
		u.goroutines = n
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, not %d:\n%s", n, goroutines, stacks[:runtime.Stack(stacks, true)])
		}
	}
	var s runtime.MemStats
	runtime.GC() // twice: the first one runs finalizers and moves pools aside
	runtime.GC()
	runtime.ReadMemStats(&s)
	u.heap = s.HeapAlloc
	return u
}
