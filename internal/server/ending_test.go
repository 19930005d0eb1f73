package server_test

import (
	"context"
	"testing"
	"time"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// wantStatus reads until AUDIO_STATUS comes.
func wantStatus(t *testing.T, who string, c *servertest.Client, want uint32) {
	t.Helper()
	if got := c.Expect(signalpb.SdkSignalFrame_AUDIO_STATUS).GetAudioStatus().GetAudioStatus(); got != want {
		t.Errorf("%s gets AUDIO_STATUS %d, want %d", who, got, want)
	}
}

// leaveAfterEnd says LEAVE as clients do that were ended: their page waits for the answer.
func leaveAfterEnd(t *testing.T, c *servertest.Client) {
	t.Helper()
	c.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_LEAVE.Enum(), Leave: &signalpb.SdkLeaveFrame{}})
	c.Expect(signalpb.SdkSignalFrame_LEAVE_ACK)
	c.Close()
}

func TestDeletedMeetingEndsForEverybody(t *testing.T) {
	m := newMeeting(t, 2)
	c := append(m.enter(t), servertest.Enter(t, m.tickets[0].Content(), 3))
	if code := m.owner.GraphQL(`mutation($id: ID!) { deleteMeeting(input: {id: $id}) { id } }`, map[string]any{"id": m.id}, nil); code != "" {
		t.Fatalf("deleteMeeting: %s", code)
	}
	for i, who := range []string{"the owner", "the guest", "the shared screen"} {
		wantStatus(t, who, c[i], 410)
		leaveAfterEnd(t, c[i])
	}

	// The token is genuine, but there is nothing left to join; that is said only after JOIN.
	late := servertest.Dial(t, m.tickets[1])
	late.Ping(1)
	late.SendJoin(2)
	if code := late.ExpectClose(); code != 4410 {
		t.Errorf("joining the ended conference is answered with close code %d", code)
	}
}

func TestSecondDeviceEndsTheFirst(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	second := servertest.Enter(t, m.tickets[0], 1001)
	wantStatus(t, "the first device", c[0], 301)
	leaveAfterEnd(t, c[0])
	second.Audio().Next()
	takenOver(t, c[1], c[0], second)
}

// takenOver checks that the observer sees the new connection of an attendee before the old one goes.
func takenOver(t *testing.T, observer, old, next *servertest.Client) {
	t.Helper()
	if next.AudioID <= old.AudioID {
		t.Errorf("the new connection has the audio id %d, the old one %d", next.AudioID, old.AudioID)
	}
	if _, listed := next.Roster[next.Ticket.AttendeeID]; !listed || len(next.Roster) != 2 {
		t.Errorf("the roster of the new connection: %v", next.Roster)
	}
	announced := false
	e := observer.UntilRoster("the old connection to go", func(e *signalpb.SdkAudioStreamIdInfo) bool {
		if e.GetAudioStreamId() == next.AudioID && e.GetAttendeeId() == next.Ticket.AttendeeID {
			announced = true
		}
		return e.GetAudioStreamId() == old.AudioID && e.AttendeeId == nil
	})
	if !announced || !isLeave(e) {
		t.Errorf("the old connection went (%v); announced before: %v", e, announced)
	}
}

func TestReconnectIsSilent(t *testing.T) {
	for name, lose := range map[string]func(*testing.T, *servertest.Client){
		"old socket open": func(*testing.T, *servertest.Client) {},
		"socket lost":     func(_ *testing.T, c *servertest.Client) { c.Cut() },
		"media closed":    func(_ *testing.T, c *servertest.Client) { c.Peer.Close() },
		"media closed, then the socket": func(t *testing.T, c *servertest.Client) {
			c.Peer.Close()
			wantStatus(t, "the client", c, 503)
			c.Signal.Close()
		},
		"socket lost, then media closed": func(_ *testing.T, c *servertest.Client) { c.Cut(); c.Peer.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMeeting(t, 2)
			c := m.enter(t)
			c[0].Audio().Next() // it is connected
			lose(t, c[0])
			again := servertest.Enter(t, m.tickets[0], 1)
			again.Audio().Next()
			takenOver(t, c[1], c[0], again)
		})
	}
}

// A client whose media broke is asked to come again.
func TestLostMediaAsksToReconnect(t *testing.T) {
	m := newMeeting(t, 1)
	c := servertest.Enter(t, m.tickets[0], 1)
	c.Audio().Next()
	c.Peer.Close()
	wantStatus(t, "the client", c, 503)
	if code := c.ExpectClose(); code != 4500 {
		t.Errorf("close code %d, want 4500", code)
	}
}

// A server that ends sends everybody away in the one way that makes every version come back, and does not
// wait for those who only have a socket open.
func TestServerEndAsksToReconnect(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	idle := servertest.Dial(t, m.tickets[0])
	idle.Ping(1)
	stopped := make(chan time.Duration, 1)
	go func() {
		start := time.Now()
		m.Close(context.Background())
		stopped <- time.Since(start)
	}()
	for _, client := range c {
		wantStatus(t, "a client", client, 503)
		if code := client.ExpectClose(); code != 4500 {
			t.Errorf("close code %d, want 4500", code)
		}
	}
	if code := idle.ExpectClose(); code != 4500 {
		t.Errorf("close code %d for a client that has not joined, want 4500", code)
	}
	select {
	case took := <-stopped:
		if took > 3*time.Second {
			t.Errorf("closing took %v", took)
		}
	case <-time.After(servertest.Patience):
		t.Error("the server does not end")
	}
	m.Server.Server = nil // it is closed
}

// What clients hold stays good: the same token, the same conference, and ids that go on growing.
func TestRestart(t *testing.T) {
	m := newMeeting(t, 2)
	before := m.enter(t)
	before[0].StartCamera('a')
	before[0].Subscribe()
	oldStream := cameraOf(t, before[1], before[0])
	stopped := make(chan struct{})
	go func() { defer close(stopped); m.Stop(t) }()
	for _, c := range before {
		c.ExpectClose()
	}
	<-stopped

	restarted := servertest.StartIn(t, m.Data)
	var after []*servertest.Client
	for i, ticket := range m.tickets {
		after = append(after, servertest.Enter(t, ticket.At(restarted), uint64(i+1)))
	}
	for i, c := range after {
		if c.AudioID <= before[1].AudioID {
			t.Errorf("client %d has the audio id %d; before the restart ids went up to %d", i, c.AudioID, before[1].AudioID)
		}
	}
	if len(after[1].Roster) != 2 {
		t.Errorf("they are not in the same conference: %v", after[1].Roster)
	}
	after[0].StartCamera('b')
	after[0].Subscribe()
	if id := cameraOf(t, after[1], after[0]); id <= oldStream {
		t.Errorf("stream id %d after %d", id, oldStream)
	}
	after[0].Speak(440)
	hears(t, "the other", after[1].Ear(), map[int]bool{440: true})
}
