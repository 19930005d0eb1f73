package bwe

// The constants of the trendline filter and of the adaptive threshold, from Carlucci et al., "Congestion
// Control for Web Real-Time Communication" (IEEE/ACM Transactions on Networking, 2017), and
// draft-ietf-rmcat-gcc-02 section 5.
const (
	trendWindow  = 20   // groups
	smoothing    = 0.9  // of the accumulated delay
	trendGain    = 4.0  // makes a slope comparable with the threshold
	maxDeltas    = 60   // up to which more groups make a slope count for more
	overuseTime  = 10.0 // ms that the trend has to stay above the threshold
	thresholdUp  = 0.0087
	thresholdDn  = 0.039
	minThreshold = 6.0 // ms
	maxThreshold = 600.0
	firstLimit   = 12.5
	maxAdapt     = 15.0  // ms beyond the threshold: a jump that must not teach it anything
	maxStep      = 100.0 // ms
)

// signal is what the delay says of the network.
type signal uint8

const (
	normal signal = iota
	overuse
	underuse
)

// trend finds out whether the delay grows: it fits a line through the accumulated delay of the last groups
// and compares its slope with a threshold that adapts to the jitter of the path.
type trend struct {
	x, y        [trendWindow]float64 // ms: arrival time, smoothed delay
	n           int                  // points so far
	deltas      int
	began       int64
	sum, smooth float64 // ms

	limit  float64
	over   float64 // ms above the limit, negative = not above it
	overs  int
	last   float64 // trend before
	lastAt int64
	state  signal
	ready  bool
}

// add takes the delays between two groups in, the second of which arrived at a time, and judges.
func (t *trend) add(sentDelta, arrivalDelta, at int64) signal {
	if !t.ready {
		*t = trend{ready: true, began: at, lastAt: at, limit: firstLimit, over: -1}
	}
	t.deltas = min(t.deltas+1, 1000)
	t.sum += float64(arrivalDelta-sentDelta) / millisecond
	t.smooth = smoothing*t.smooth + (1-smoothing)*t.sum
	i := t.n % trendWindow
	t.x[i], t.y[i] = float64(at-t.began)/millisecond, t.smooth
	t.n++
	slope := 0.0
	if t.n >= trendWindow {
		slope = t.slope()
	}
	t.detect(slope, float64(sentDelta)/millisecond, at)
	return t.state
}

// slope is that of the least-squares line through the points.
func (t *trend) slope() float64 {
	var mx, my float64
	for i := range trendWindow {
		mx += t.x[i]
		my += t.y[i]
	}
	mx /= trendWindow
	my /= trendWindow
	var num, den float64
	for i := range trendWindow {
		dx := t.x[i] - mx
		num += dx * (t.y[i] - my)
		den += dx * dx
	}
	if den == 0 {
		return 0
	}
	return num / den
}

// detect is the overuse detector (section 5.4).
func (t *trend) detect(slope, sentDelta float64, at int64) {
	value := float64(min(t.deltas, maxDeltas)) * slope * trendGain
	switch {
	case value > t.limit:
		if t.over < 0 {
			t.over = sentDelta / 2 // it began somewhere between the groups
		} else {
			t.over += sentDelta
		}
		t.overs++
		if t.over > overuseTime && t.overs > 1 && slope >= t.last {
			t.over, t.overs, t.state = 0, 0, overuse
		}
	case value < -t.limit:
		t.over, t.overs, t.state = -1, 0, underuse
	default:
		t.over, t.overs, t.state = -1, 0, normal
	}
	t.last = slope
	t.adapt(value, at)
}

// adapt lets the threshold follow the trend, quickly down and slowly up.
func (t *trend) adapt(value float64, at int64) {
	size := max(value, -value)
	step := min(float64(at-t.lastAt)/millisecond, maxStep)
	t.lastAt = at
	if size > t.limit+maxAdapt {
		return
	}
	k := thresholdUp
	if size < t.limit {
		k = thresholdDn
	}
	t.limit = min(max(t.limit+k*(size-t.limit)*step, minThreshold), maxThreshold)
}
