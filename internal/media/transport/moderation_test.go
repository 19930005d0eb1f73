package transport

import (
	"testing"
	"time"
)

// traffic is what arrives together, every so many ms.
type traffic struct {
	every   int64
	arrives tally
}

var (
	picture    = tally{all: 8, urgent: 8}
	camera     = traffic{66, picture}
	reports    = traffic{10, tally{all: 10}} // feedback of many receivers
	sixTalk    = traffic{10, tally{all: 3, patient: 3}}
	twoHundred = traffic{5, tally{all: 10, patient: 10}} // people, some of whom talk
	joining    = traffic{100, tally{all: 6, urgent: 6}}
)

func TestModeration(t *testing.T) {
	const ms = int64(1_000_000)
	var m moderation
	now := 50 * ms
	for _, step := range []struct {
		name string
		what []traffic
		want time.Duration
	}{
		{"a conversation", []traffic{{20, tally{all: 2, patient: 2}}}, 0},
		{"people who talk", []traffic{sixTalk}, calmInterval},
		{"a small meeting", []traffic{sixTalk, camera}, 0},
		{"a large one", []traffic{twoHundred, camera}, pollInterval},
		{"the camera goes off", []traffic{twoHundred}, calmInterval},
		{"feedback is no sound", []traffic{reports}, 0},
		{"many meetings", []traffic{{1, tally{all: 3, urgent: 2}}}, pollInterval},
		{"nobody", []traffic{{10, tally{}}}, 0},
		{"people who talk again", []traffic{twoHundred}, calmInterval},
		{"people who come, one after the other", []traffic{twoHundred, joining}, pollInterval},
		{"strange datagrams", []traffic{{1, tally{all: 100}}}, pollInterval},
	} {
		other := 0
		for at := range int64(3000) {
			for _, s := range step.what {
				if at%s.every == 0 {
					m.note(s.arrives, now)
				}
			}
			if at > 2000 && m.interval != step.want {
				other++
			}
			now += ms
		}
		if other > 0 {
			t.Errorf("%s: not every %v, as it should be, but for %d of 1000 ms", step.name, step.want, other)
		}
	}
	now += 1000 * ms
	m.note(tally{all: 1, patient: 1}, now)
	if m.interval != 0 {
		t.Error("a datagram after a pause makes the reader poll")
	}
}
