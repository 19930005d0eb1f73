package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/pflag"

	"carillon/internal/server"
)

// showTimeline prints what clients reported about a conference, oldest first.
func showTimeline(ctx context.Context, w stdio, args []string) error {
	flags := pflag.NewFlagSet("timeline", pflag.ContinueOnError)
	data, database := dataFlags(flags)
	asJSON := flags.Bool("json", false, "print one JSON object in each line")
	if err := parse(flags, w, args, "CONFERENCE-ID"); err != nil {
		return err
	}
	if *data == "" {
		return misuse("--data must not be empty")
	}
	a, err := server.OpenTimeline(ctx, *data, *database)
	if err != nil {
		return err
	}
	defer a.Close()
	t := tabwriter.NewWriter(w.out, 0, 0, 2, ' ', 0)
	if !*asJSON {
		fmt.Fprintln(t, "TIME\tATTENDEE\tEVENT\tATTRIBUTES")
	}
	for after := int64(0); ; {
		list, err := a.Timeline.Timeline(ctx, system(), flags.Arg(0), after, 0)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return t.Flush()
		}
		for _, e := range list {
			after = e.Seq
			if !*asJSON {
				fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.At.Format(time.RFC3339), e.AttendeeID, e.Name, printable(string(e.Attributes)))
			} else if err := json.NewEncoder(w.out).Encode(e); err != nil {
				return err
			}
		}
	}
}

// printable makes harmless what others wrote: control characters, of which JSON lets some through, command terminals,
// and others turn the order of the text round.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
