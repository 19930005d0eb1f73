package bench

import (
	"fmt"
	"slices"
)

// Row is a scenario at a server, over all rounds.
type Row struct {
	Scenario Scenario
	Server   string
	Results  []Result // that did not fail
	Failures []string
}

// Summarize sorts results by scenario and server.
func Summarize(results []Result) []Row {
	var rows []Row
	for _, s := range Scenarios() {
		for _, name := range serversOf(results) {
			row := Row{Scenario: s, Server: name}
			for _, r := range results {
				switch {
				case r.Scenario != s.Name || r.Server != name:
				case r.Failure != "":
					row.Failures = append(row.Failures, r.Failure)
				default:
					row.Results = append(row.Results, r)
				}
			}
			if len(row.Results)+len(row.Failures) > 0 {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// serversOf lists the servers in the order of their first results.
func serversOf(results []Result) (names []string) {
	for _, r := range results {
		if !slices.Contains(names, r.Server) {
			names = append(names, r.Server)
		}
	}
	return names
}

// Range is the median and the extremes of a figure.
type Range struct{ Median, Low, High float64 }

// Of gathers one figure of all rounds.
func (r *Row) Of(figure func(*Result) float64) Range {
	var values []float64
	for i := range r.Results {
		values = append(values, figure(&r.Results[i]))
	}
	if len(values) == 0 {
		return Range{}
	}
	slices.Sort(values)
	n := len(values)
	return Range{Median: (values[(n-1)/2] + values[n/2]) / 2, Low: values[0], High: values[n-1]}
}

// Text writes the median, and the extremes if there are several values, with that many decimals.
func (r Range) Text(decimals int) string {
	if r.Low == r.High {
		return fmt.Sprintf("%.*f", decimals, r.Median)
	}
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, r.Median, decimals, r.Low, decimals, r.High)
}
