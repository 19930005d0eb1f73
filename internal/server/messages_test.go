package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// say sends a data message; a lifetime of 0 is left out.
func say(c *servertest.Client, topic, data string, lifetime time.Duration) {
	m := &signalpb.SdkDataMessagePayload{Topic: proto.String(topic), Data: []byte(data)}
	if lifetime > 0 {
		m.LifetimeMs = proto.Uint32(uint32(lifetime / time.Millisecond))
	}
	c.Send(&signalpb.SdkSignalFrame{
		Type:        signalpb.SdkSignalFrame_DATA_MESSAGE.Enum(),
		DataMessage: &signalpb.SdkDataMessageFrame{Messages: []*signalpb.SdkDataMessagePayload{m}},
	})
}

// messagesUntil reads messages until one has the data given, which is the last of the result.
func messagesUntil(t *testing.T, s *servertest.Signal, data string) (all []*signalpb.SdkDataMessagePayload) {
	t.Helper()
	s.Until("the message "+data, func(f *signalpb.SdkSignalFrame) bool {
		all = append(all, f.GetDataMessage().GetMessages()...)
		return len(all) > 0 && string(all[len(all)-1].GetData()) == data
	})
	return all
}

func datas(messages []*signalpb.SdkDataMessagePayload) string {
	var all []string
	for _, m := range messages {
		all = append(all, string(m.GetData()[:min(len(m.GetData()), 20)]))
	}
	return strings.Join(all, " ")
}

func TestDataMessages(t *testing.T) {
	m := newMeeting(t, 3)
	c := m.enter(t)
	for _, topic := range []string{"", "a b", "aws:chime:transcription", strings.Repeat("x", 37), "ünicode"} {
		say(c[0], topic, "bad-topic", 0)
	}
	say(c[0], "chat", strings.Repeat("z", 2049), 0)
	long := strings.Repeat("y", 2048)
	say(c[0], strings.Repeat("x", 36), long, 0)
	say(c[0], "chat", "hello", 0)
	aMinuteAgo := time.Now().Add(-time.Minute).UnixNano()
	for i, other := range c[1:] {
		got := messagesUntil(t, other.Signal, "hello")
		if len(got) != 2 || string(got[0].GetData()) != long {
			t.Fatalf("client %d gets %s", i+1, datas(got))
		}
		for _, p := range got {
			if p.GetSenderAttendeeId() != m.tickets[0].AttendeeID || p.GetSenderExternalUserId() != m.tickets[0].ExternalUserID || p.GetIngestTimeNs() <= aMinuteAgo {
				t.Errorf("client %d gets %v", i+1, p)
			}
		}
		if got[0].GetIngestTimeNs() >= got[1].GetIngestTimeNs() {
			t.Error("the ingest time does not grow")
		}
	}
	say(c[1], "chat", "back", 0)
	if got := messagesUntil(t, c[0].Signal, "back"); len(got) != 1 {
		t.Errorf("the sender gets %s: its own messages come back", datas(got))
	}
}

// What is beyond the rate comes back to its sender with an ingest time of zero, which is there; the rest arrives in order.
func TestDataMessagesAreThrottled(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	const sent = 450
	for i := range sent {
		say(c[0], "chat", fmt.Sprint(i), 0)
	}
	c[0].Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_PING_PONG.Enum(),
		PingPong: &signalpb.SdkPingPongFrame{Type: signalpb.SdkPingPongType_PING.Enum(), PingId: proto.Uint32(5)}})
	returned := make(map[string]bool)
	c[0].Until("PONG", func(f *signalpb.SdkSignalFrame) bool {
		for _, p := range f.GetDataMessage().GetMessages() {
			if p.IngestTimeNs == nil || p.GetIngestTimeNs() != 0 {
				t.Errorf("message %s comes back with ingest time %v", p.GetData(), p.IngestTimeNs)
			}
			returned[string(p.GetData())] = true
		}
		return f.GetPingPong() != nil
	})
	if len(returned) == 0 || sent-len(returned) < 200 {
		t.Fatalf("%d of %d come back; 200 may be sent at once", len(returned), sent)
	}
	delivered, last, ingest := 0, -1, int64(0)
	c[1].Until("all that was not returned", func(f *signalpb.SdkSignalFrame) bool {
		for _, p := range f.GetDataMessage().GetMessages() {
			var n int
			if _, err := fmt.Sscan(string(p.GetData()), &n); err != nil || n <= last || p.GetIngestTimeNs() <= ingest || returned[string(p.GetData())] {
				t.Errorf("message %s at %d follows %d at %d", p.GetData(), p.GetIngestTimeNs(), last, ingest)
			}
			last, ingest = n, p.GetIngestTimeNs()
			delivered++
		}
		return delivered == sent-len(returned)
	})
}

func TestDataMessageFloodEndsItsConnection(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	other := newBystander(t, c[1])
	batch := &signalpb.SdkDataMessageFrame{}
	for range 100 {
		batch.Messages = append(batch.Messages, &signalpb.SdkDataMessagePayload{Topic: proto.String("chat"), Data: []byte("x")})
	}
	for range 40 {
		c[0].Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_DATA_MESSAGE.Enum(), DataMessage: batch})
	}
	if code := c[0].ExpectClose(); code != 1008 {
		t.Errorf("close code %d, want 1008", code)
	}
	other.check()
}

// Messages with a lifetime are kept for those who come during it, oldest first, and for clients that reconnect.
func TestDataMessagesAreReplayed(t *testing.T) {
	m := newMeeting(t, 3)
	a, b := servertest.Enter(t, m.tickets[0], 1), servertest.Enter(t, m.tickets[1], 2)
	say(a, "chat", "gone-at-once", 0)
	say(a, "chat", "short", 20*time.Millisecond)
	say(a, "chat", "first", time.Hour) // is cut to five minutes
	a.Ping(1)
	say(b, "chat", "second", time.Minute)
	b.Ping(1)
	say(a, "chat", "third", time.Minute)
	a.Ping(2)
	said := time.Now()
	waitFor(t, "the end of the short lifetime", func() bool { return time.Since(said) > 20*time.Millisecond })

	late := servertest.Arrive(t, m.tickets[2], 3)
	// With a lifetime, so that it does not matter whether it finds the newcomer in the room already.
	say(b, "chat", "live", time.Minute)
	if got := datas(messagesUntil(t, late.Signal, "live")); got != "first second third live" {
		t.Errorf("somebody who comes later gets %s", got)
	}
	a.Cut()
	again := servertest.Arrive(t, m.tickets[0], 1)
	say(b, "chat", "end", time.Minute)
	if got := datas(messagesUntil(t, again.Signal, "end")); got != "second live end" {
		t.Errorf("somebody who reconnects gets %s", got)
	}
}

// Messages with a lifetime outlive the moment in which nobody is there, and their times go on to grow.
func TestDataMessagesOutliveTheLastToLeave(t *testing.T) {
	m := newMeeting(t, 2)
	a := servertest.Arrive(t, m.tickets[0], 1)
	say(a, "chat", "gone-at-once", 0)
	say(a, "chat", "left behind", time.Minute)
	leave(t, a)

	b := servertest.Arrive(t, m.tickets[1], 2)
	first := messagesUntil(t, b.Signal, "left behind")
	if datas(first) != "left behind" || first[0].GetSenderAttendeeId() != m.tickets[0].AttendeeID {
		t.Errorf("somebody who comes when all have left gets %v", first)
	}
	say(b, "chat", "answer", time.Minute)
	leave(t, b)

	again := servertest.Arrive(t, m.tickets[0], 3)
	got := messagesUntil(t, again.Signal, "answer")
	if datas(got) != "left behind answer" || got[0].GetIngestTimeNs() != first[0].GetIngestTimeNs() || got[1].GetIngestTimeNs() <= got[0].GetIngestTimeNs() {
		t.Errorf("somebody who comes back gets %v", got)
	}
}
