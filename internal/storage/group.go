package storage

import (
	"context"
	"sync"
)

// maxGroup bounds how many writes share a commit, so that the first of them does not wait long.
const maxGroup = 128

// group lets writes that come at the same time share one transaction, and so one wait for the disk. Each has
// a savepoint of its own: one that fails leaves no trace and the others alone. None is reported done before
// the commit that holds it.
//
// There is no goroutine for it: of those who wait, one leads and does the work of all, and then hands the
// lead to one of those who came meanwhile.
type group struct {
	writer writer // for the leader only

	mu    sync.Mutex
	queue []*job
	led   bool // somebody leads, or has been told to
}

// job is one write.
type job struct {
	ctx context.Context
	fn  func(q querier) (emitted bool, err error)

	told     chan bool // true = lead now; false = it is done
	err      error
	panicked any
	emitted  bool
}

// join runs fn as part of a group.
func (s *Store) join(ctx context.Context, fn func(q querier) (emitted bool, err error)) error {
	j := &job{ctx: ctx, fn: fn, told: make(chan bool, 1)}
	g := &s.group
	g.mu.Lock()
	g.queue = append(g.queue, j)
	lead := !g.led
	g.led = true
	g.mu.Unlock()
	if lead || <-j.told {
		s.lead()
	}
	if j.panicked != nil {
		panic(j.panicked)
	}
	return j.err
}

// lead writes for everybody who waits now, the caller included.
func (s *Store) lead() {
	g := &s.group
	g.mu.Lock()
	n := min(len(g.queue), maxGroup)
	jobs := g.queue[:n:n]
	g.queue = g.queue[n:]
	g.mu.Unlock()

	s.writeAll(jobs)

	g.mu.Lock()
	if g.led = len(g.queue) > 0; g.led {
		g.queue[0].told <- true
	}
	g.mu.Unlock()
	for _, j := range jobs {
		select {
		case j.told <- false:
		default: // the leader's own, which nobody waits for
		}
	}
}

// writeAll runs the jobs in one transaction.
func (s *Store) writeAll(jobs []*job) {
	w := &s.group.writer
	err := w.run("BEGIN IMMEDIATE")
	for i := 0; err == nil && i < len(jobs); i++ {
		err = w.one(jobs[i])
	}
	if err == nil {
		err = w.run("COMMIT")
	}
	if err != nil {
		_ = w.run("ROLLBACK") // fails when the transaction is over already
	}
	emitted := false
	for _, j := range jobs {
		if err != nil && j.err == nil {
			j.err = err
		}
		emitted = emitted || j.emitted && err == nil
	}
	if emitted {
		s.commit()
	}
}
