package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"carillon/test/load/bench"
)

// The marks in the document between which the tables are.
const (
	beginMark = "<!-- begin: written by load report -->"
	endMark   = "<!-- end: written by load report -->"
)

func report(_ context.Context, args []string) error {
	flags := pflag.NewFlagSet("load report", pflag.ContinueOnError)
	in := flags.String("in", "", "file with the results of load run (needed)")
	document := flags.String("document", "docs/performance.md", `document to write the tables to; "-" prints them`)
	plot := flags.String("plot", "docs/performance.svg", "file for the plot")
	note := flags.String("note", "", "sentence about the circumstances, for the document")
	if err := flags.Parse(args); err != nil {
		return err
	}
	results, err := readResults(*in)
	if err != nil {
		return err
	}
	rows := bench.Summarize(results)
	text := bench.Tables(rows, describeMachine()+". Measured on "+time.Now().Format("2 January 2006"))
	if *note != "" {
		text = *note + "\n\n" + text
	}
	if *document == "-" {
		fmt.Print(text)
		return nil
	}
	if svg := bench.Plot(rows); svg != "" {
		if err := os.WriteFile(*plot, []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return replaceBetween(*document, text)
}

func readResults(file string) (results []bench.Result, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the results (--in): %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r bench.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("%s holds no results", file)
	}
	return results, lines.Err()
}

// replaceBetween puts the text between the marks of a document.
func replaceBetween(file, text string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(content), beginMark)
	_, tail, ended := strings.Cut(rest, endMark)
	if !found || !ended {
		return fmt.Errorf("%s has no place for the tables: it needs the lines %q and %q", file, beginMark, endMark)
	}
	return os.WriteFile(file, []byte(head+beginMark+"\n"+text+endMark+tail), 0o644)
}

// describeMachine names processor, cores, kernel and Go.
func describeMachine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(text), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimLeft(line, " \t:"))
		}
	}
	var u unix.Utsname
	kernel := "unknown"
	if unix.Uname(&u) == nil {
		kernel = unix.ByteSliceToString(u.Release[:])
	}
	return fmt.Sprintf("%d cores of %s, Linux %s, %s", runtime.NumCPU(), model, kernel, runtime.Version())
}
