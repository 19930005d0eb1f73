package transport

import "testing"

func TestModeration(t *testing.T) {
	const ms = int64(1_000_000)
	var m moderation
	now := int64(50 * ms)
	run := func(perMillisecond int, length int64) {
		for end := now + length; now < end; now += ms {
			m.note(perMillisecond, now)
		}
	}
	for _, step := range []struct {
		name           string
		perMillisecond int
		want           bool
	}{
		{"a small meeting", 1, false}, {"many meetings", 3, true}, {"more", 100, true}, {"they end", 1, false}, {"nobody", 0, false},
	} {
		if run(step.perMillisecond, 40*ms); m.polling != step.want {
			t.Errorf("%s: polling %v", step.name, m.polling)
		}
	}
	now += 1000 * ms
	m.note(1, now)
	if m.polling {
		t.Error("a datagram after a pause makes the reader poll")
	}
}
