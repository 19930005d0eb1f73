// Command load measures media servers under load: Carillon, and others beside it in the same run. See README.md in this
// directory.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"
)

const usage = `Measures media servers under load. Run it at the root of the repository.

  load run      run scenarios at servers and write the results as JSON lines
  load report   write results into docs/performance.md and draw docs/performance.svg
  load check    show that the generator is not the bottleneck
  load list     list the scenarios and the servers

"load COMMAND --help" tells the flags of a command.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := map[string]func(context.Context, []string) error{
		"run": run, "report": report, "check": check, "list": list,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}
