package bench

import (
	"fmt"
	"slices"
	"strings"
)

// column is a figure of the tables.
type column struct {
	title    string
	decimals int
	value    func(*Result) float64
}

// Tables writes results in Markdown: what media costs, what joining and being there cost, and what was compared.
func Tables(rows []Row, machine string) string {
	var w strings.Builder
	fmt.Fprintf(&w, "Machine: %s.\n\n", machine)
	media := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Scenario.Kind != Media })
	table(&w, "### Media", media, []column{
		{"server CPU, % of a core", 1, func(r *Result) float64 { return 100 * r.CPU }},
		{"CPU s per 10⁶ packets delivered", 2, func(r *Result) float64 { return r.CPUPerPacket }},
		{"CPU per participant, % of a core", 3, func(r *Result) float64 { return 100 * r.CPU / float64(r.Participants) }},
		{"delivered, %", 2, func(r *Result) float64 { return 100 * r.Delivered() }},
		{"video delay p50, ms", 2, func(r *Result) float64 { return r.VideoDelayP50 }},
		{"p99, ms", 2, func(r *Result) float64 { return r.VideoDelayP99 }},
		{"audio delay p50, ms", 1, func(r *Result) float64 { return r.AudioDelayP50 }},
	})
	table(&w, "### Joining, and being there", rows, []column{
		{"join p50, ms", 1, func(r *Result) float64 { return r.JoinP50 }},
		{"p95, ms", 1, func(r *Result) float64 { return r.JoinP95 }},
		{"server CPU per join, ms", 2, func(r *Result) float64 { return r.CPUPerJoin }},
		{"RSS per participant, KiB", 0, func(r *Result) float64 { return r.RSSPerParticipant }},
		{"goroutines per participant", 1, func(r *Result) float64 { return r.GoroutinesPerParticipant }},
		{"threads per participant", 2, func(r *Result) float64 { return r.ThreadsPerParticipant }},
		{"server CPU, % of a core", 1, func(r *Result) float64 { return 100 * r.CPU }},
	})
	compared(&w, rows)
	return w.String()
}

func table(w *strings.Builder, title string, rows []Row, columns []column) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, "%s\n\n| scenario | server |", title)
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c.title)
	}
	fmt.Fprintf(w, "\n|%s\n", strings.Repeat("---|", len(columns)+2))
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s |", r.Scenario.Title, r.Server)
		if len(r.Results) == 0 {
			fmt.Fprintf(w, " failed: %s |%s\n", oneLine(r.Failures[0]), strings.Repeat(" |", len(columns)-1))
			continue
		}
		for _, c := range columns {
			v := r.Of(c.value)
			if v.High == 0 {
				w.WriteString(" – |")
				continue
			}
			fmt.Fprintf(w, " %s |", v.Text(c.decimals))
		}
		w.WriteString("\n")
	}
	w.WriteString("\n")
}

// oneLine makes a text fit into a cell of a table.
func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return strings.ReplaceAll(text, "|", "/")
}

// compared says what the servers were, and whether the figures can be trusted.
func compared(w *strings.Builder, rows []Row) {
	w.WriteString("### What was compared\n\n| server | version | settings |\n|---|---|---|\n")
	var seen []string
	var others, generator []float64
	failures, runs := 0, 0
	for _, row := range rows {
		failures += len(row.Failures)
		runs += len(row.Failures) + len(row.Results)
		for _, r := range row.Results {
			if !slices.Contains(seen, r.Server) {
				seen = append(seen, r.Server)
				fmt.Fprintf(w, "| %s | %s | %s |\n", r.Server, r.Info.Version, r.Info.Settings)
			}
			others = append(others, r.Others)
			if r.GeneratorPerPacket > 0 {
				generator = append(generator, r.GeneratorPerPacket)
			}
		}
	}
	slices.Sort(others)
	slices.Sort(generator)
	fmt.Fprintf(w, "\n%d runs, %d of which failed.", runs, failures)
	if len(others) > 0 && len(generator) > 0 {
		fmt.Fprintf(w, " Other programs used %.2f cores in the median run and %.2f in the worst; the generator took %.1f µs for each packet delivered in the median run.",
			others[len(others)/2], others[len(others)-1], generator[len(generator)/2])
	}
	w.WriteString("\n")
}
