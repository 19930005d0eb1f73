package transport

import (
	"testing"
	"time"
)

func TestModeration(t *testing.T) {
	const ms = int64(1_000_000)
	var m moderation
	now := int64(50 * ms)
	for _, step := range []struct {
		name                string
		count, urgent, each int // so many at a time, every so many ms
		want                time.Duration
	}{
		{"a small meeting", 1, 1, 1, 0},
		{"many meetings", 3, 2, 1, pollInterval},
		{"more", 100, 80, 1, pollInterval},
		{"one camera among people who talk", 10, 1, 5, pollInterval},
		{"people who talk", 10, 0, 5, calmInterval},
		{"fewer", 2, 0, 5, calmInterval},
		{"a conversation", 1, 0, 5, 0},
		{"nobody", 0, 0, 1, 0},
		{"people who talk again", 2, 0, 5, calmInterval},
		{"a camera", 1, 1, 1, 0},
	} {
		for end := now + 40*ms; now < end; now += int64(step.each) * ms {
			m.note(step.count, step.urgent, now)
		}
		if m.interval != step.want {
			t.Errorf("%s: every %v, want %v", step.name, m.interval, step.want)
		}
	}
	now += 1000 * ms
	m.note(1, 0, now)
	if m.interval != 0 {
		t.Error("a datagram after a pause makes the reader poll")
	}
}
