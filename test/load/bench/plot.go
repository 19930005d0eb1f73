package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// colours of the lines, which can be told apart by those who see no difference between red and green; each line is
// named at its end besides.
func colours() []string {
	return []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}
}

// Size and margins of the plot, in pixels.
const (
	plotWidth, plotHeight = 760, 420
	left, right           = 70, 130
	top, bottom           = 50, 60
)

// Plot draws the server's CPU against the participants of a webinar, as SVG. It is empty without such results.
func Plot(rows []Row) string {
	lines := make(map[string][][2]float64)
	var names []string
	maxX, maxY := 0.0, 0.0
	for _, r := range rows {
		if !strings.HasPrefix(r.Scenario.Name, "webinar-") || len(r.Results) == 0 {
			continue
		}
		if lines[r.Server] == nil {
			names = append(names, r.Server)
		}
		x, y := float64(r.Scenario.Participants()), 100*r.Of(func(r *Result) float64 { return r.CPU }).Median
		lines[r.Server] = append(lines[r.Server], [2]float64{x, y})
		maxX, maxY = max(maxX, x), max(maxY, y)
	}
	if len(names) == 0 {
		return ""
	}
	step := niceStep(maxY)
	maxY = step * math.Ceil(maxY/step)
	var w strings.Builder
	fmt.Fprintf(&w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="Server CPU against participants of a webinar">`, plotWidth, plotHeight)
	fmt.Fprintf(&w, "\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"26\" font-size=\"16\">Webinar: CPU of the server, %% of a core</text>\n", left)
	px := func(x float64) float64 { return left + x/maxX*(plotWidth-left-right) }
	py := func(y float64) float64 { return plotHeight - bottom - y/maxY*(plotHeight-top-bottom) }
	for y := 0.0; y <= maxY+step/2; y += step {
		fmt.Fprintf(&w, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
			left, plotWidth-right, py(y), py(y), left-8, py(y)+4, y)
	}
	for x := 0.0; x <= maxX; x += 50 {
		fmt.Fprintf(&w, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%g</text>\n", px(x), plotHeight-bottom+22, x)
	}
	fmt.Fprintf(&w, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">participants</text>\n", (left+plotWidth-right)/2, plotHeight-14)
	labels := newLabels()
	slices.SortFunc(names, func(a, b string) int { return int(last(lines[b])[1]*1000 - last(lines[a])[1]*1000) })
	for i, name := range names {
		colour := colours()[i%len(colours())]
		var points []string
		for _, p := range lines[name] {
			points = append(points, fmt.Sprintf("%.1f,%.1f", px(p[0]), py(p[1])))
			fmt.Fprintf(&w, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", px(p[0]), py(p[1]), colour)
		}
		end := last(lines[name])
		fmt.Fprintf(&w, "<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/><text x=\"%.1f\" y=\"%.1f\" fill=\"%s\">%s %.0f</text>\n",
			strings.Join(points, " "), colour, px(end[0])+10, labels.place(py(end[1])+4), colour, name, end[1])
	}
	w.WriteString("</svg>\n")
	return w.String()
}

func last(points [][2]float64) [2]float64 { return points[len(points)-1] }

// niceStep divides an axis into about five.
func niceStep(top float64) float64 {
	raw := max(top, 1e-3) / 5
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if m*unit >= raw {
			return m * unit
		}
	}
	return 10 * unit
}

// labels keeps names at the ends of lines apart. They are placed from the top down.
type labels struct{ lowest float64 }

func newLabels() *labels { return &labels{lowest: math.Inf(-1)} }

func (l *labels) place(y float64) float64 {
	const height = 15
	l.lowest = max(y, l.lowest+height)
	return l.lowest
}
