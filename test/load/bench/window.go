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
	goroutines int    // 0 = the server does not tell
	delivered  uint64 // packets of media that everybody has received
	Moment
}

func (c *cell) sample(ctx context.Context) (s sample, err error) {
	if s.usage, err = measure(c.server.Pids()); err != nil {
		return s, err
	}
	if g, ok := c.server.(servers.Goroutines); ok {
		s.goroutines, _ = g.Goroutines(ctx) // a server that runs elsewhere does not tell
	}
	for _, p := range c.people {
		if p.member != nil {
			n := p.member.Receives().Counts()
			s.delivered += n.Video + n.Audio
		}
	}
	s.Moment, err = Look()
	return s, err
}

// window measures for a while. Media is stopped before and after, so that what was sent and what has arrived can be
// compared to the packet. What it costs is measured once it has flowed for a while, as in a call that lasts: servers adapt
// to what they are sent, and the stop undoes that.
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
	start := time.Now()
	if c.scenario.Kind == Media {
		c.engine.Send(true)
		if err := pause(ctx, settling); err != nil {
			return err
		}
	}
	before, err := c.sample(ctx)
	if err != nil {
		return err
	}
	profile := c.profile(ctx)
	if err := pause(ctx, c.options.Window); err != nil {
		return err
	}
	after, err := c.sample(ctx)
	if err != nil {
		return err
	}
	c.engine.Send(false)
	flowing := time.Since(start)
	if err := pause(ctx, quiet); err != nil {
		return err
	}
	c.record(empty, after)
	c.spent(before, after)
	c.count(sent, flowing)
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

// spent turns two samples into what was used between them.
func (c *cell) spent(before, after sample) {
	r := &c.result
	cpu, own, wall := after.cpu-before.cpu, after.Own-before.Own, after.At.Sub(before.At)
	r.CPU = cpu.Seconds() / wall.Seconds()
	if delivered := after.delivered - before.delivered; delivered > 0 {
		r.CPUPerPacket = float64(cpu.Microseconds()) / float64(delivered)
		r.GeneratorPerPacket = float64(own.Microseconds()) / float64(delivered)
	}
	r.Others = max(0, (after.Busy-before.Busy-cpu-own).Seconds()/wall.Seconds())
}

// count turns the counters of everybody, from the moment on at which media flowed, into figures.
func (c *cell) count(sent map[*lean.Flow]uint64, flowing time.Duration) {
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
}

// expected is how many packets should arrive. Of a mix there are 50 a second, also while nobody sends.
func (c *cell) expected(sent map[*lean.Flow]uint64, flowing time.Duration) (video, audio uint64) {
	const mixRate = 50
	for room := range c.scenario.Rooms {
		people := c.people[room*c.scenario.People:][:c.scenario.People]
		for _, p := range people {
			for _, f := range p.member.Flows() {
				if f.Audio() && !c.result.Info.Mixes {
					audio += (f.Sent() - sent[f]) * uint64(len(people)-1)
				}
			}
			for _, q := range people {
				if f := p.camera(q.Layer); f != nil && q != p {
					video += f.Sent() - sent[f]
				}
			}
		}
		if c.result.Info.Mixes {
			audio += uint64(float64(len(people)) * mixRate * (flowing + quiet).Seconds())
		}
	}
	return video, audio
}

// camera is what somebody receives of the participant's camera, nil if there is none: all that it sends, or a layer.
func (p *participant) camera(layer int) *lean.Flow {
	var sizes []*lean.Flow // the smallest first
	for _, f := range p.member.Flows() {
		if !f.Audio() {
			sizes = append(sizes, f)
		}
	}
	if len(sizes) == 0 {
		return nil
	}
	return sizes[min(layer, len(sizes)-1)]
}
