package bench

import (
	"context"
	"fmt"
	"time"

	"carillon/test/load/lean"
	"carillon/test/load/servers"
)

// sample is a moment of the cell.
type sample struct {
	usage
	goroutines int // 0 = the server does not tell
	Moment
}

func (c *cell) sample(ctx context.Context) (s sample, err error) {
	if s.usage, err = measure(c.server.Pids()); err != nil {
		return s, err
	}
	if g, ok := c.server.(servers.Goroutines); ok {
		s.goroutines, _ = g.Goroutines(ctx) // a server that runs elsewhere does not tell
	}
	s.Moment, err = Look()
	return s, err
}

// window measures for a while. Media is stopped before and after, so that what was sent and what has arrived can be
// compared to the packet.
func (c *cell) window(ctx context.Context, empty sample) error {
	c.engine.Send(false)
	if err := pause(ctx, quiet); err != nil {
		return err
	}
	sent := c.sent()
	for _, p := range c.people {
		p.member.Receives().Reset()
	}
	c.onsets.take()
	before, err := c.sample(ctx)
	if err != nil {
		return err
	}
	profile := c.profile(ctx)
	c.engine.Send(c.scenario.Kind == Media)
	if err := pause(ctx, c.options.Window); err != nil {
		return err
	}
	c.engine.Send(false)
	flowing := time.Since(before.At)
	if err := pause(ctx, quiet); err != nil {
		return err
	}
	after, err := c.sample(ctx)
	if err != nil {
		return err
	}
	c.record(empty, after)
	c.count(sent, flowing, before, after)
	return <-profile
}

// profile asks the server for a profile that is as long as the window.
func (c *cell) profile(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	p, ok := c.server.(servers.Profiler)
	switch {
	case c.options.Profile == "":
		done <- nil
	case !ok:
		done <- fmt.Errorf("the server %s has no profile", c.result.Server)
	default:
		go func() { done <- p.Profile(ctx, int(c.options.Window.Seconds()), c.options.Profile) }()
	}
	return done
}

// sent is what each flow has sent so far.
func (c *cell) sent() map[*lean.Flow]uint64 {
	sent := make(map[*lean.Flow]uint64)
	for _, p := range c.people {
		for _, f := range p.member.Flows() {
			sent[f] = f.Sent()
		}
	}
	return sent
}

// count turns the counters into figures.
func (c *cell) count(sent map[*lean.Flow]uint64, flowing time.Duration, before, after sample) {
	r := &c.result
	var video, audio lean.Histogram
	for _, p := range c.people {
		n := p.member.Receives().Counts()
		r.Video += n.Video
		r.Audio += n.Audio
		r.RTX += n.RTX
		r.Forged += n.Forged
		video.Merge(&n.VideoDelay)
		audio.Merge(&n.AudioDelay)
	}
	r.ExpectedVideo, r.ExpectedAudio = c.expected(sent, flowing)
	if mixed := c.onsets.take(); mixed.Count() > 0 {
		audio = mixed
	}
	r.VideoDelayP50, r.VideoDelayP99 = ms(time.Duration(video.Quantile(0.5))), ms(time.Duration(video.Quantile(0.99)))
	r.AudioDelayP50, r.AudioDelayP99 = ms(time.Duration(audio.Quantile(0.5))), ms(time.Duration(audio.Quantile(0.99)))
	r.AudioDelaySamples = audio.Count()

	cpu, wall := after.cpu-before.cpu, after.At.Sub(before.At)
	r.CPU = cpu.Seconds() / flowing.Seconds()
	if c.scenario.Kind == Idle {
		r.CPU = cpu.Seconds() / wall.Seconds()
	}
	own := after.Own - before.Own
	if delivered := r.Video + r.Audio; delivered > 0 {
		r.CPUPerPacket = float64(cpu.Microseconds()) / float64(delivered)
		r.GeneratorPerPacket = float64(own.Microseconds()) / float64(delivered)
	}
	r.Others = max(0, (after.Busy-before.Busy-cpu-own).Seconds()/wall.Seconds())
}

// expected is how many packets should arrive. Of a mix there are 50 a second, also while nobody sends.
func (c *cell) expected(sent map[*lean.Flow]uint64, flowing time.Duration) (video, audio uint64) {
	const mixRate = 50
	for room := range c.scenario.Rooms {
		people := c.people[room*c.scenario.People:][:c.scenario.People]
		for _, p := range people {
			for _, f := range p.member.Flows() {
				copies := uint64(len(people) - 1)
				n := (f.Sent() - sent[f]) * copies
				switch {
				case !f.Audio():
					video += n
				case !c.result.Info.Mixes:
					audio += n
				}
			}
		}
		if c.result.Info.Mixes {
			audio += uint64(float64(len(people)) * mixRate * (flowing + quiet).Seconds())
		}
	}
	if c.scenario.Simulcast {
		video = 0 // each receives another layer
	}
	return video, audio
}
