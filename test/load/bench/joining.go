package bench

import (
	"context"
	"slices"
	"time"
)

// finishJoin records what joining has cost.
func (c *cell) finishJoin(ctx context.Context, before sample) error {
	after, err := c.sample(ctx)
	if err != nil {
		return err
	}
	var times []time.Duration
	for _, p := range c.people {
		times = append(times, p.joining)
	}
	slices.Sort(times)
	n := len(times)
	c.result.JoinP50, c.result.JoinP95 = ms(times[n/2]), ms(times[min(n*95/100, n-1)])
	c.result.CPUPerJoin = ms(after.cpu-before.cpu) / float64(n)
	c.record(before, after)
	return nil
}

// record notes what participants hold at the server.
func (c *cell) record(before, after sample) {
	n := float64(len(c.people))
	c.result.RSSPerParticipant = float64(after.rss-before.rss) / n / 1024
	c.result.ThreadsPerParticipant = float64(after.threads-before.threads) / n
	if before.goroutines > 0 {
		c.result.GoroutinesPerParticipant = float64(after.goroutines-before.goroutines) / n
	}
}
