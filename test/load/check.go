package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"carillon/test/load/bench"
	"carillon/test/load/lean"
)

// check shows what the generator can do: clients receive from a process that sends packets which were protected in
// advance, at growing rates, until something is lost or a core is busy. That process is a copy of our own.
func check(ctx context.Context, args []string) error {
	flags := pflag.NewFlagSet("load check", pflag.ContinueOnError)
	clients := flags.Int("clients", 200, "number of clients")
	window := flags.Duration("window", 3*time.Second, "how long each rate is tried")
	reflect := flags.Int("reflect", 0, "")
	flags.MarkHidden("reflect")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *reflect > 0 {
		return reflector(ctx, *clients, *reflect, *window)
	}
	fmt.Printf("%d clients receive packets of 1000 bytes, 5 at a time, from a process that sends prepared ones.\n\n", *clients)
	fmt.Println("| packets/s | received | generator, µs/packet | generator, cores | others, cores |\n|---|---|---|---|---|")
	for _, rate := range []int{10_000, 30_000, 60_000, 120_000, 240_000} {
		c, err := tryRate(ctx, *clients, rate, *window)
		if err != nil {
			return err
		}
		perSecond := float64(c.received) / c.wall.Seconds()
		fmt.Printf("| %.0f | %.2f %% | %.2f | %.2f | %.2f |\n", perSecond, 100*float64(c.received)/float64(max(c.sent, 1)),
			float64(c.cpu.Microseconds())/float64(max(c.received, 1)), c.cpu.Seconds()/c.wall.Seconds(), c.others)
		if c.received*1000 < c.sent*999 || perSecond < 0.9*float64(rate) {
			fmt.Println("\nThis rate is beyond what the machine can do at the moment.")
			return nil
		}
	}
	return nil
}

// checked is the result of one rate.
type checked struct {
	sent, received uint64
	cpu, wall      time.Duration
	others         float64 // cores that neither the clients nor the reflector used
}

func tryRate(ctx context.Context, clients, rate int, window time.Duration) (c checked, err error) {
	engine, err := lean.New()
	if err != nil {
		return c, err
	}
	defer engine.Close()
	self, err := os.Executable()
	if err != nil {
		return c, err
	}
	command := exec.CommandContext(ctx, self, "check", "--reflect", strconv.Itoa(rate), "--clients", strconv.Itoa(clients), "--window", window.String())
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		return c, err
	}
	if err := command.Start(); err != nil {
		return c, err
	}
	defer command.Wait()
	lines := json.NewDecoder(out)
	var ports []uint16
	if err := lines.Decode(&ports); err != nil {
		return c, err
	}
	var conns []*lean.Conn
	for _, port := range ports {
		conn := engine.NewConn()
		if err := conn.ConnectNull(netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)); err != nil {
			return c, err
		}
		conns = append(conns, conn)
	}
	before, err := bench.Look()
	if err != nil {
		return c, err
	}
	var other struct{ Sent, CPU uint64 }
	if err := lines.Decode(&other); err != nil { // when it is done
		return c, err
	}
	after, err := bench.Look()
	if err != nil {
		return c, err
	}
	time.Sleep(200 * time.Millisecond) // what was sent last arrives
	c.sent, c.cpu, c.wall = other.Sent, after.Own-before.Own, after.At.Sub(before.At)
	c.others = max(0, (after.Busy-before.Busy-c.cpu-time.Duration(other.CPU)).Seconds()/c.wall.Seconds())
	for _, conn := range conns {
		c.received += conn.Counts().Video
	}
	return c, nil
}

// reflector is the process that sends.
func reflector(ctx context.Context, clients, rate int, window time.Duration) error {
	r, ports, err := lean.NewReflector(clients)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(ports); err != nil {
		return err
	}
	if err := r.Await(); err != nil {
		return err
	}
	before, err := bench.Look()
	if err != nil {
		return err
	}
	sent := r.Send(ctx, rate, window)
	after, err := bench.Look()
	if err != nil {
		return err
	}
	return out.Encode(map[string]uint64{"Sent": sent, "CPU": uint64(after.Own - before.Own)})
}
