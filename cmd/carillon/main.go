// Command carillon is the whole meeting system: `carillon serve` runs it, `carillon keys`,
// `carillon users` and `carillon webhooks` manage what it stores, also while it runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/pflag"

	"carillon/internal/errs"
)

const usage = `Carillon: video meetings on your own machine.

Usage:
  carillon serve    [flags]                     run the server
  carillon keys     COMMAND [flags]             keys of programs that use the Meetings API
  carillon users    COMMAND [flags]             accounts of people
  carillon webhooks COMMAND [flags]             who is told of events, and how that went
  carillon timeline CONFERENCE-ID [flags]       what clients reported about a conference
  carillon version

Each command explains itself with --help.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}, os.Args[1:])
	stop()
	os.Exit(code)
}

// stdio is the world outside of a command.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// run executes one command and returns the exit status: 0 done, 1 failed, 2 used wrongly.
func run(ctx context.Context, w stdio, args []string) int {
	if len(args) == 0 {
		fmt.Fprint(w.err, usage)
		return 2
	}
	var err error
	switch name, rest := args[0], args[1:]; name {
	case "serve":
		err = serve(ctx, w, rest)
	case "keys":
		err = keys(ctx, w, rest)
	case "users":
		err = users(ctx, w, rest)
	case "webhooks":
		err = webhookCommands(ctx, w, rest)
	case "timeline":
		err = showTimeline(ctx, w, rest)
	case "version", "--version":
		fmt.Fprintln(w.out, "carillon", version())
	case "help", "--help", "-h":
		fmt.Fprint(w.out, usage)
	default:
		err = misuse("there is no command %q; see carillon help", name)
	}
	var wrong *misused
	switch {
	case err == nil || errors.Is(err, pflag.ErrHelp):
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(w.err, "carillon:", err)
		return 2
	default:
		fmt.Fprintln(w.err, "carillon:", err)
		if errs.CodeOf(err) == errs.Invalid {
			return 2
		}
		return 1
	}
}

// misused is an error in how the command was called.
type misused struct{ text string }

func (m *misused) Error() string { return m.text }

func misuse(format string, args ...any) error { return &misused{fmt.Sprintf(format, args...)} }

// version is the version of the module, or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "development"
}
