package lean

import (
	"container/heap"
	"sync"
	"time"
)

// clock runs tasks at their times, on one goroutine.
type clock struct {
	mu    sync.Mutex
	tasks tasks
}

// task is something to be done again and again: do returns when next, 0 for never.
type task struct {
	at int64
	do func(now int64) (next int64)
}

type tasks []*task

func (t tasks) Len() int           { return len(t) }
func (t tasks) Less(i, j int) bool { return t[i].at < t[j].at }
func (t tasks) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *tasks) Push(x any)        { *t = append(*t, x.(*task)) }
func (t *tasks) Pop() any {
	last := len(*t) - 1
	x := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return x
}

// add lets a task run from the given time on.
func (c *clock) add(at int64, do func(now int64) int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	heap.Push(&c.tasks, &task{at: at, do: do})
}

const (
	shortestWait = 500 * time.Microsecond // wake-ups cost CPU time
	longestWait  = 5 * time.Millisecond
)

// run does what is due and returns how long to wait for the next task.
func (c *clock) run(now int64) time.Duration {
	for {
		c.mu.Lock()
		if len(c.tasks) == 0 || c.tasks[0].at > now {
			wait := longestWait
			if len(c.tasks) > 0 {
				wait = min(wait, time.Duration(c.tasks[0].at-now))
			}
			c.mu.Unlock()
			return max(wait, shortestWait)
		}
		next := heap.Pop(&c.tasks).(*task)
		c.mu.Unlock()
		if next.at = next.do(now); next.at != 0 {
			c.mu.Lock()
			heap.Push(&c.tasks, next)
			c.mu.Unlock()
		}
	}
}
