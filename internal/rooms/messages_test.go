package rooms

import (
	"fmt"
	"testing"
	"time"
)

func TestIngestTimeAlwaysGrows(t *testing.T) {
	b := newMessageBox()
	now := time.Now()
	first, second, earlier := b.ingest(now), b.ingest(now), b.ingest(now.Add(-time.Hour))
	if !second.After(first) || !earlier.After(second) {
		t.Errorf("%v, %v, %v", first, second, earlier)
	}
}

func TestKeptMessagesAreBoundedAndDie(t *testing.T) {
	b := newMessageBox()
	now := time.Now()
	b.keep(Message{Topic: "gone-at-once"}, 0, now)
	for i := range maxKeptMessages + 10 {
		b.keep(Message{Topic: fmt.Sprint(i)}, time.Minute, now)
	}
	if len(b.kept) != maxKeptMessages || b.kept[0].Topic != "10" {
		t.Errorf("%d messages, the oldest is %q", len(b.kept), b.kept[0].Topic)
	}
	b.keep(Message{Topic: "later"}, time.Minute, now.Add(2*time.Minute))
	if len(b.kept) != 1 {
		t.Errorf("%d messages live on", len(b.kept))
	}
}

func TestMessageTopics(t *testing.T) {
	for topic, good := range map[string]bool{
		"chat": true, "a-b_C9": true, "": false, "with space": false, "aws:chime:transcription": false,
		"123456789012345678901234567890123456": true, "1234567890123456789012345678901234567": false, "チャット": false,
	} {
		if messageTopic.MatchString(topic) != good {
			t.Errorf("%q: want %v", topic, good)
		}
	}
}
