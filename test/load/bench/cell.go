package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"carillon/test/load/lean"
	"carillon/test/load/servers"
)

// Options of a run.
type Options struct {
	Window  time.Duration // of measurement
	Dir     string        // for files of the servers; "" = a temporary one
	Profile string        // file for a CPU profile of the window, of a storm from its beginning; "" = none
	Servers servers.Options
}

const (
	joinTimeout = 20 * time.Second // of one person
	warmUp      = time.Second
	settling    = 5 * time.Second        // in which media flows before its cost is measured
	quiet       = 300 * time.Millisecond // in which all that is under way arrives
	patience    = 15 * time.Second       // until everybody gets everything
)

// cell is one scenario at one server.
type cell struct {
	scenario Scenario
	server   servers.Server
	options  Options
	engine   *lean.Engine
	people   []*participant
	onsets   onsets
	result   Result
}

// participant is somebody in the cell.
type participant struct {
	servers.Person
	room            servers.Room
	ticket          string
	cameras, voices int // to receive
	member          servers.Member
	joining         time.Duration
}

// Run starts a server, runs a scenario on it and stops it.
func Run(ctx context.Context, s Scenario, name string, o Options) (Result, error) {
	server, err := servers.New(name, o.Servers)
	if err != nil {
		return Result{}, err
	}
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "carillon-load-"); err != nil {
			return Result{}, err
		}
		defer os.RemoveAll(o.Dir)
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute+o.Window)
	defer cancel()
	if err := server.Start(ctx, o.Dir); err != nil {
		return Result{}, err
	}
	defer server.Stop()
	engine, err := lean.New()
	if err != nil {
		return Result{}, err
	}
	defer engine.Close()
	c := &cell{scenario: s, server: server, options: o, engine: engine}
	c.result = Result{Scenario: s.Name, Server: name, Participants: s.Participants(), Info: server.Info()}
	defer func() {
		for _, p := range c.people {
			if p.member != nil {
				p.member.Close()
			}
		}
	}()
	return c.result, c.run(ctx)
}

func (c *cell) run(ctx context.Context) error {
	if err := c.admit(ctx); err != nil {
		return fmt.Errorf("make the meetings: %w", err)
	}
	if err := c.settle(ctx); err != nil {
		return err
	}
	before, err := c.sample(ctx)
	if err != nil {
		return err
	}
	var profile <-chan error
	if c.scenario.Kind == Storm {
		profile = c.profile(ctx)
	}
	if err := c.join(ctx); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if err := c.finishJoin(ctx, before); err != nil {
		return err
	}
	if c.scenario.Kind == Storm {
		return <-profile
	}
	c.engine.Send(c.scenario.Kind == Media)
	if err := pause(ctx, quiet); err != nil { // some servers know a stream by its packets only
		return err
	}
	if err := c.subscribe(ctx); err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	if c.scenario.Kind == Media {
		if err := c.flow(ctx); err != nil {
			return err
		}
	}
	return c.window(ctx, before)
}

// admit makes rooms and people; nobody joins yet.
func (c *cell) admit(ctx context.Context) error {
	for range c.scenario.Rooms {
		room, err := c.server.Room(ctx, c.engine)
		if err != nil {
			return err
		}
		for i := range c.scenario.People {
			p := &participant{room: room, Person: servers.Person{
				Name: fmt.Sprint("p", len(c.people)), Camera: i < c.scenario.Cameras, Simulcast: c.scenario.Simulcast,
				Voice: servers.Muted, Layer: i % 3,
			}}
			p.cameras, p.voices = c.scenario.receives(i)
			if i < c.scenario.Open {
				p.Voice = servers.Open
			}
			if i < c.scenario.Talkers {
				p.Voice = servers.Talking
			}
			if len(c.people) == c.scenario.People-1 && c.server.Info().Mixes && c.scenario.Talkers > 0 {
				p.Hear = c.onsets.hear
			}
			if p.ticket, err = room.Admit(ctx, p.Person); err != nil {
				return err
			}
			c.people = append(c.people, p)
		}
	}
	return nil
}

// settle waits for the server to rest after its start.
func (c *cell) settle(ctx context.Context) error {
	last := time.Duration(-1)
	for range 20 {
		u, err := measure(c.server.Pids())
		if err != nil {
			return err
		}
		if last >= 0 && u.cpu-last < 5*time.Millisecond {
			return nil
		}
		last = u.cpu
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return nil // some never rest
}

// join lets everybody in: one after the other, or all at once.
func (c *cell) join(ctx context.Context) error {
	if c.scenario.Kind != Storm {
		for _, p := range c.people {
			if err := p.join(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	failures := make([]error, len(c.people))
	var all sync.WaitGroup
	for i, p := range c.people {
		all.Go(func() { failures[i] = p.join(ctx) })
	}
	all.Wait()
	return errors.Join(failures...)
}

func (p *participant) join(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	start := time.Now()
	p.member, err = p.room.Join(ctx, p.Person, p.ticket)
	p.joining = time.Since(start)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	return nil
}

// subscribe lets everybody ask for what they want to receive.
func (c *cell) subscribe(ctx context.Context) error {
	for _, p := range c.people {
		ctx, cancel := context.WithTimeout(ctx, joinTimeout)
		err := p.member.Receive(ctx, p.cameras, p.voices)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

// flow waits until everybody gets everything.
func (c *cell) flow(ctx context.Context) error {
	for _, p := range c.people[:c.scenario.People] {
		if p.Voice == servers.Talking && c.result.Info.Mixes {
			c.onsets.follow(p.member.Flows()[0])
		}
	}
	for deadline := time.Now().Add(patience); ; {
		missing := c.missing()
		if missing == "" {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v %s", patience, missing)
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return pause(ctx, warmUp)
}

// missing says who does not get what.
func (c *cell) missing() string {
	short, example := 0, ""
	for _, p := range c.people {
		n := p.member.Receives().Counts()
		if n.VideoStreams < p.cameras {
			short++
			example = fmt.Sprintf("%s gets %d of %d videos", p.Name, n.VideoStreams, p.cameras)
		} else if p.voices > 0 && n.Audio == 0 {
			short++
			example = fmt.Sprintf("%s gets no sound", p.Name)
		}
	}
	if short == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d people do not get everything: %s", short, len(c.people), example)
}

// pause waits, unless the run is over.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
