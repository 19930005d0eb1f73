package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"carillon/test/load/bench"
	"carillon/test/load/servers"
)

// secondsPerCell is what one scenario at one server takes besides the window, on a machine that is otherwise idle: the
// start of the server, joining, warming up, settling. It is only for the estimate that is printed.
const secondsPerCell = 10

type runFlags struct {
	scenarios, servers, out, profile, dir string
	rounds                                int
	options                               bench.Options
}

func (f *runFlags) parse(args []string) error {
	flags := pflag.NewFlagSet("load run", pflag.ContinueOnError)
	flags.SortFlags = false
	quick := flags.Bool("quick", false, "a first impression in two minutes: few scenarios, Carillon and the plain server, one round")
	flags.StringVar(&f.scenarios, "scenarios", "*", "names or patterns of scenarios, separated by commas")
	flags.StringVar(&f.servers, "servers", servers.Usual, "servers, separated by commas; load list tells all")
	flags.IntVar(&f.rounds, "rounds", 3, "how often each scenario runs at each server; the servers take turns")
	flags.DurationVar(&f.options.Window, "window", 5*time.Second, "how long media is measured")
	flags.StringVar(&f.out, "out", "", "file that the results are appended to, one line of JSON each (default: standard output)")
	flags.StringVar(&f.profile, "profile", "", "directory for CPU profiles of the servers that have them")
	flags.StringVar(&f.dir, "dir", "", "directory for the servers' programs, data and logs (default: a temporary one)")
	flags.StringVar(&f.options.Servers.CarillonURL, "url", "", "address of a Carillon that runs already, instead of one that is built and started here")
	flags.StringVar(&f.options.Servers.KeyID, "key-id", "", "its API key (carillon keys create)")
	flags.StringVar(&f.options.Servers.Secret, "secret", os.Getenv("CARILLON_SECRET"), "secret of that key (CARILLON_SECRET)")
	flags.IntVar(&f.options.Servers.CarillonPID, "pid", 0, "its process id, to measure what it costs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		f.scenarios, f.servers, f.rounds, f.options.Window = bench.Quick, "carillon,plain", 1, 3*time.Second
	}
	if o := f.options.Servers; o.CarillonURL != "" {
		if o.KeyID == "" || o.Secret == "" || o.CarillonPID == 0 {
			return fmt.Errorf("--url needs --key-id, --secret and --pid")
		}
		if !flags.Changed("servers") {
			f.servers = "carillon"
		}
	}
	f.options.Servers.Root = "."
	if _, err := os.Stat("test/load/peers"); err != nil {
		return fmt.Errorf("run this at the root of the repository: %w", err)
	}
	return nil
}

func run(ctx context.Context, args []string) error {
	var f runFlags
	if err := f.parse(args); err != nil {
		return err
	}
	scenarios, err := bench.Select(f.scenarios)
	if err != nil {
		return err
	}
	out := os.Stdout
	if f.out != "" {
		if out, err = os.OpenFile(f.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644); err != nil {
			return err
		}
		defer out.Close()
	}
	if f.options.Dir, err = workDir(f.dir); err != nil {
		return err
	}
	if f.dir == "" {
		defer os.RemoveAll(f.options.Dir)
	}
	names := strings.Split(f.servers, ",")
	for _, name := range names {
		if !slices.Contains(servers.Names(), name) {
			return fmt.Errorf("there is no server %q; there are %s", name, strings.Join(servers.Names(), ", "))
		}
	}
	return f.all(ctx, scenarios, names, json.NewEncoder(out))
}

func workDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "carillon-load-")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// cells are what one round consists of.
func cells(scenarios []bench.Scenario, names []string) (list []bench.Cell) {
	for _, s := range scenarios {
		for _, name := range names {
			if s.Suits(name) {
				list = append(list, bench.Cell{Scenario: s, Server: name})
			}
		}
	}
	return list
}

// all runs everything, the servers taking turns within each scenario. A server that fails at something is noted
// and the rest goes on.
func (f *runFlags) all(ctx context.Context, scenarios []bench.Scenario, names []string, out *json.Encoder) error {
	list := cells(scenarios, names)
	per := f.options.Window + secondsPerCell*time.Second
	fmt.Fprintf(os.Stderr, "%d runs, about %v\n", len(list)*f.rounds, (time.Duration(len(list)*f.rounds) * per).Round(time.Minute))
	failed := 0
	for round := range f.rounds {
		for i, c := range list {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o := f.options
			if f.profile != "" && c.Server == "carillon" {
				if err := os.MkdirAll(f.profile, 0o755); err != nil {
					return err
				}
				o.Profile = filepath.Join(f.profile, fmt.Sprintf("%s-%s-%d.pprof", c.Server, c.Scenario.Name, round+1))
			}
			r, err := bench.Run(ctx, c.Scenario, c.Server, o)
			r.Round = round + 1
			if err != nil {
				failed++
				r.Failure = err.Error()
			}
			fmt.Fprintf(os.Stderr, "%d/%d %s\n", round*len(list)+i+1, len(list)*f.rounds, r.Line())
			if err := out.Encode(r); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d runs failed", failed, len(list)*f.rounds)
	}
	return nil
}

func list(context.Context, []string) error {
	for _, s := range bench.Scenarios() {
		fmt.Printf("%-14s %s\n", s.Name, s.Title)
	}
	fmt.Println("\nservers:", strings.Join(servers.Names(), ", "))
	return nil
}
