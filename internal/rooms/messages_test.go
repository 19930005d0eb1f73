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

// boxOf is a box of n messages that live for a time from now on.
func boxOf(n int, lifetime time.Duration, now time.Time) messageBox {
	b := newMessageBox()
	for i := range n {
		b.keep(Message{Topic: fmt.Sprint(i)}, lifetime, now)
	}
	return b
}

func TestLeftMessages(t *testing.T) {
	var l leftMessages
	now := time.Now()
	never := func(*leftBox) { t.Error("a box is forgotten that has been taken or is alive") }
	mixed := boxOf(2, time.Minute, now)
	mixed.keep(Message{Topic: "long"}, time.Hour, now)
	mixed.last = now.Add(time.Second)
	l.put("mixed", mixed, now.Add(2*time.Minute), never)
	l.put("none", boxOf(0, time.Hour, now), now, never)
	l.put("dead", boxOf(5, time.Second, now), now.Add(time.Second), never)
	if len(l.boxes) != 1 || l.count != 1 {
		t.Errorf("%d boxes, %d messages", len(l.boxes), l.count)
	}
	if b, found := l.take("mixed"); !found || len(b.kept) != 1 || b.kept[0].Topic != "long" || !b.ingest(now).After(mixed.last) {
		t.Errorf("found %v: %v", found, b.kept)
	}
	if _, found := l.take("mixed"); found || l.count != 0 {
		t.Error("the messages are there twice")
	}

	for i := range 3 * maxLeftMessages / maxKeptMessages {
		l.put(fmt.Sprint(i), boxOf(maxKeptMessages, time.Hour+time.Duration(i)*time.Second, now), now, never)
		if l.count > maxLeftMessages {
			t.Fatalf("%d messages", l.count)
		}
	}
	if _, found := l.take("0"); found || len(l.boxes) != maxLeftMessages/maxKeptMessages {
		t.Errorf("%d conferences have messages, the first one: %v", len(l.boxes), found)
	}
	l.clear()
	if len(l.boxes) != 0 || l.count != 0 {
		t.Errorf("%d conferences, %d messages are left", len(l.boxes), l.count)
	}

	h := Hub{rooms: make(map[string]*Room)}
	for _, id := range []string{"ended", "goes on"} {
		h.left.put(id, boxOf(1, time.Hour, now), now, never)
	}
	h.End("ended")
	if len(h.left.boxes) != 1 || h.left.boxes["goes on"] == nil {
		t.Error("the messages of a conference that has ended are kept, or those of another are not")
	}
	h.left.clear()

	forgotten := make(chan *leftBox)
	l.put("short", boxOf(1, time.Millisecond, now), now, func(b *leftBox) { forgotten <- b })
	select {
	case b := <-forgotten:
		if b != l.boxes["short"] {
			t.Error("another box is forgotten")
		}
	case <-time.After(10 * time.Second):
		t.Error("what is dead is not forgotten")
	}
}
