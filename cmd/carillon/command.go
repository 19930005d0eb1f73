package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"
)

// command is one of a group, such as create of carillon keys.
type command struct {
	name, summary string
	run           func(ctx context.Context, w stdio, args []string) error
}

// runOne runs the command of a group that the first argument names.
func runOne(ctx context.Context, w stdio, group string, commands []command, args []string) error {
	var names []string
	for _, c := range commands {
		names = append(names, c.name)
	}
	if len(args) == 0 {
		return misuse("carillon %s needs one of %s", group, strings.Join(names, ", "))
	}
	switch args[0] {
	case "help", "--help", "-h":
		return explain(w.out, group, commands)
	}
	i := slices.Index(names, args[0])
	if i < 0 {
		return misuse("carillon %s: there is no command %q; see carillon %s --help", group, args[0], group)
	}
	return commands[i].run(ctx, w, args[1:])
}

func explain(out io.Writer, group string, commands []command) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "Usage:")
	for _, c := range commands {
		fmt.Fprintf(t, "  carillon %s %s\t%s\n", group, c.name, c.summary)
	}
	fmt.Fprintln(t, "\nEach command explains its flags with --help.")
	return t.Flush()
}

// parse parses the flags of a command, which takes as many other arguments as are named.
func parse(flags *pflag.FlagSet, w stdio, args []string, arguments ...string) error {
	flags.SetOutput(w.err)
	flags.SortFlags = false
	usage := strings.Join(append([]string{"carillon", flags.Name()}, arguments...), " ")
	flags.Usage = func() { fmt.Fprintf(w.out, "Usage: %s [flags]\n\n%s", usage, flags.FlagUsages()) }
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return misuse("%v; see carillon %s --help", err, flags.Name())
	}
	if flags.NArg() != len(arguments) {
		return misuse("expected %s, got %d arguments beside the flags", usage, flags.NArg())
	}
	return nil
}
