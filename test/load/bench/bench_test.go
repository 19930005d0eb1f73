package bench

import (
	"encoding/xml"
	"io"
	"os"
	"strings"
	"testing"

	"carillon/test/load/lean"
	"carillon/test/load/sound"
)

func TestSelect(t *testing.T) {
	for patterns, want := range map[string]int{"webinar-*": 4, "webinar-10,webinar-*": 4, Quick: 4, "*": len(Scenarios())} {
		if list, err := Select(patterns); err != nil || len(list) != want {
			t.Errorf("%q: %d scenarios, %v", patterns, len(list), err)
		}
	}
	for _, bad := range []string{"", "webinar-11", "webinar-10,nothing", "["} {
		if _, err := Select(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestReceives(t *testing.T) {
	s := Scenario{People: 4, Cameras: 2, Talkers: 1, Open: 1}
	for i, want := range [][2]int{{1, 0}, {1, 1}, {2, 1}, {2, 1}} {
		if cameras, voices := s.receives(i); cameras != want[0] || voices != want[1] {
			t.Errorf("person %d receives %d cameras and %d voices, not %v", i, cameras, voices, want)
		}
	}
}

func TestSummary(t *testing.T) {
	var results []Result
	for i, cpu := range []float64{0.3, 0.1, 0.2} {
		results = append(results, Result{Scenario: "webinar-10", Server: "a", Participants: 11, Round: i, CPU: cpu, Video: 99, ExpectedVideo: 100},
			Result{Scenario: "webinar-50", Server: "a", Participants: 51, Round: i, CPU: 4 * cpu})
	}
	results = append(results, Result{Scenario: "webinar-10", Server: "b", Failure: "it | broke\nhere"})
	rows := Summarize(results)
	if len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	if r := rows[0].Of(func(r *Result) float64 { return r.CPU }); r != (Range{0.2, 0.1, 0.3}) {
		t.Errorf("range %+v", r)
	}
	if got := results[0].Delivered(); got != 0.99 {
		t.Errorf("delivered %v", got)
	}
	text := Tables(rows, "a machine")
	for _, want := range []string{"| webinar, 1 to 10 | a | 20.0 (10.0–30.0) |", "failed: it / broke |", "7 runs, 1 of which failed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the tables lack %q:\n%s", want, text)
		}
	}
	plot := Plot(rows)
	if strings.Count(plot, "<circle") != 2 {
		t.Errorf("plot:\n%s", plot)
	}
	for d := xml.NewDecoder(strings.NewReader(plot)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the plot is no XML: %v", err)
		}
	}
}

func TestCPUTimeOfAProcess(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for n := before; n-before < 5e6; { // 5 ms of work
		if n, err = cpuTime(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	u, err := measure([]int{os.Getpid()})
	if err != nil || u.cpu <= before || u.rss < 1<<20 || u.threads < 1 {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestOnsets(t *testing.T) {
	e, err := lean.New()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	speech := sound.Speech()
	var o onsets
	hear := func(packets []sound.Packet) {
		for _, p := range packets {
			o.hear(p.Payload, lean.Now())
		}
	}
	o.follow(e.NewConn().AddFlow(lean.FlowConfig{Audio: true, Sound: speech}))
	for range 3 { // nothing has been sent
		hear(speech)
	}
	if h := o.take(); h.Count() != 0 {
		t.Errorf("%d onsets out of nothing", h.Count())
	}
}

// The measurement tells sound from silence by decoding.
func TestSoundIsHeard(t *testing.T) {
	var o onsets
	for round := range 2 {
		for i, p := range sound.Speech() {
			silent := i >= sound.SpeechPackets+2
			if power := o.power(p.Payload); silent == (power >= audible) && (silent || i > 1 && i < sound.SpeechPackets-2) {
				t.Errorf("round %d, packet %d has power %g", round, i, power)
			}
		}
	}
	if o.power(nil) != 0 {
		t.Error("an empty packet has sound in it")
	}
}

func TestSpeechHasPauses(t *testing.T) {
	all := sound.Speech()
	if len(all) != sound.AllPackets {
		t.Fatalf("%d packets", len(all))
	}
	for i, p := range all {
		if voice := p.Level&0x80 != 0; voice != (i < sound.SpeechPackets) {
			t.Errorf("packet %d: level %#x", i, p.Level)
		}
	}
}
