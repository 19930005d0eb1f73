package lean

import (
	"slices"
	"testing"
	"time"
)

func TestClockRunsTasksInOrder(t *testing.T) {
	var c clock
	var ran []int
	c.add(30, func(int64) int64 { ran = append(ran, 3); return 0 })
	c.add(10, func(now int64) int64 { ran = append(ran, 1); return now + 15 })
	c.add(20, func(int64) int64 { ran = append(ran, 2); return 0 })
	c.run(5)
	if len(ran) != 0 {
		t.Fatalf("ran %v too early", ran)
	}
	c.run(20)
	if !slices.Equal(ran, []int{1, 2}) {
		t.Fatalf("ran %v", ran)
	}
	c.run(40)
	if !slices.Equal(ran, []int{1, 2, 3, 1}) {
		t.Errorf("ran %v", ran)
	}
	if wait := c.run(41); wait < shortestWait || wait > longestWait {
		t.Errorf("waits %v", wait)
	}
	if wait := new(clock).run(0); wait > time.Second {
		t.Errorf("an empty clock waits %v", wait)
	}
}
