package mixer

import (
	"math"
	"slices"
	"testing"

	"carillon/internal/media/opus"
)

// Of what somebody says in a frame.
const (
	says   = 'A' // a tone, which begins and ends within the first and the last frame
	pauses = '.'
	claims = 'l' // silence with the level of speech: a talker that changes nothing about what is heard
)

// person is one in a meeting, who hears the others.
type person struct {
	source *Source
	sink   *Sink
	sender *sender
	heard  *listener
	hz     float64
	script []rune // frame by frame, up to now
	since  int    // frame in which it has joined
	muted  bool
	shy    int                  // frame up to which nothing is said: what came while muted is not there for a decoder to begin with
	lost   func(frame int) bool // packets that do not arrive; nil: none
}

// meeting is one whose streams are checked: every listener has one packet in each step, hears of everybody what was said
// and nothing else.
type meeting struct {
	room   *Room
	people []*person
	frame  int
	left   int // frame in which somebody left, perhaps in the middle of a word
	begun  int // how often somebody's stream went over to another one's packets
}

// pitches are those of the people, such that none is a harmonic of another.
var pitches = []float64{331, 437, 613, 791, 1033}

// join adds a person, in one of the pitches.
func (m *meeting) join(t *testing.T, pitch int, f Format) *person {
	p := &person{hz: pitches[pitch], since: m.frame, source: m.room.AddSource(SourceConfig{}), heard: newListener(t)}
	if f.Stereo() {
		p.heard = newStereoListener(t)
	}
	p.sink = m.room.AddSink(SinkConfig{Exclude: []*Source{p.source}, Format: f, Owner: p.heard})
	p.sender = newSender(t, nil)
	m.people = append(m.people, p)
	return p
}

func (m *meeting) leave(p *person) {
	m.room.RemoveSource(p.source)
	m.room.RemoveSink(p.sink)
	m.people = without(m.people, p)
	m.left = m.frame
}

// step has everybody say something, and returns how many encoders were at work.
func (m *meeting) step(t *testing.T, say ...rune) int {
	t.Helper()
	before := make([]bool, len(m.people))
	for i, p := range m.people {
		before[i] = p.sink.passing()
		p.say(say[i], m.frame)
	}
	step(t, m.room)
	for i, p := range m.people {
		if p.sink.passing() && !before[i] {
			m.begun++
		}
	}
	m.frame++
	return encoding(m.room)
}

// say sends what was decided on one frame ago: only then it is known how that frame ends.
func (p *person) say(what rune, frame int) {
	p.source.SetMuted(p.muted)
	if p.muted {
		p.shy = frame + preroll + 2
	}
	if frame < p.shy {
		what = pauses
	}
	p.script = append(p.script, what)
	earlier := append([]rune{pauses, pauses}, p.script...)
	before, now := earlier[len(earlier)-3], earlier[len(earlier)-2]
	start := p.sender.at
	p.sender.sound = func(at float64) float64 {
		if now != says {
			return 0
		}
		within, gain := at*opus.SampleRate-float64(start), 1.0
		if before != says {
			gain = within / opus.FrameSamples
		}
		if what != says {
			gain = min(gain, 1-within/opus.FrameSamples)
		}
		return gain * tone(p.hz)(at)
	}
	packet := p.sender.next()
	if now == claims {
		packet.level = 20
	}
	if p.lost == nil || !p.lost(frame) {
		push(p.source, packet)
	}
}

// settledFor is for how many frames nobody must have begun or ended for what is heard to be exactly that.
const settledFor = 8

// steady returns whether p has said the same for some frames before the end of its script, and whether that is a tone.
func (p *person) steady(end int) (tone, ok bool) {
	k := end - p.since
	if k < settledFor {
		return false, false
	}
	tone = p.script[k] == says
	for _, what := range p.script[k-settledFor : k] {
		if (what == says) != tone {
			return false, false
		}
	}
	return tone, true
}

// check compares what p has heard in the last frame with what the others have said: each tone at its loudness, and
// nothing else above limit. It reports whether it could: nobody began or ended just then.
func (m *meeting) check(t *testing.T, p *person, limit float64) bool {
	t.Helper()
	if p.heard.frames < settledFor || m.frame < m.left+settledFor {
		return false
	}
	var said []bool
	var hz []float64
	for _, q := range m.people {
		tone, ok := q.steady(m.frame - 1)
		if !ok {
			return false
		}
		hz, said = append(hz, q.hz), append(said, tone && q != p)
	}
	amplitudes, rest := fit(p.heard.last(0.02), hz)
	for i, a := range amplitudes {
		want := 0.0
		if said[i] {
			want = 0.2
		}
		if math.Abs(a-want) > 0.035 {
			t.Errorf("frame %d: %v Hz is heard at amplitude %.4f, not %.1f", m.frame-1, hz[i], a, want)
		}
	}
	if rest > limit {
		t.Errorf("frame %d: what is no tone has loudness %.4f", m.frame-1, rest)
	}
	return true
}

// fit returns the amplitudes of sines of some frequencies in pcm (least squares), and how loud the rest is.
func fit(pcm []float32, hz []float64) (amplitudes []float64, rest float64) {
	n := 2 * len(hz)
	basis := make([][]float64, n)
	for i := range basis {
		basis[i] = make([]float64, len(pcm))
		for k := range pcm {
			s, c := math.Sincos(2 * math.Pi * hz[i/2] / opus.SampleRate * float64(k))
			basis[i][k] = s
			if i%2 == 1 {
				basis[i][k] = c
			}
		}
	}
	x := solve(basis, pcm)
	left := slices.Clone(pcm)
	for k := range left {
		for i := range basis {
			left[k] -= float32(x[i] * basis[i][k])
		}
	}
	for i := 0; i < n; i += 2 {
		amplitudes = append(amplitudes, math.Hypot(x[i], x[i+1]))
	}
	return amplitudes, rms(left)
}

// solve returns the coefficients with which the basis comes closest to pcm (normal equations, Gauss and Jordan).
func solve(basis [][]float64, pcm []float32) []float64 {
	n := len(basis)
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n+1)
		for k, v := range pcm {
			for j := range basis {
				a[i][j] += basis[i][k] * basis[j][k]
			}
			a[i][n] += basis[i][k] * float64(v)
		}
	}
	x := make([]float64, n)
	for i := range a {
		for j := range a {
			if i == j {
				continue
			}
			f := a[j][i] / a[i][i]
			for k := i; k <= n; k++ {
				a[j][k] -= f * a[i][k]
			}
		}
	}
	for i := range x {
		x[i] = a[i][n] / a[i][i]
	}
	return x
}

// passing counts the mixes in which packets are passed on.
func passing(r *Room) (n int) {
	for _, m := range r.mixes {
		if m.passed != nil {
			n++
		}
	}
	return n
}

func (s *Sink) passing() bool { return s.mix != nil && s.mix.passed != nil }

// encoding counts those that were encoded.
func encoding(r *Room) (n int) {
	for _, m := range r.mixes {
		if m.passed == nil && m.silent <= settled {
			n++
		}
	}
	return n
}
