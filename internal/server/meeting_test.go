package server_test

import (
	"fmt"
	"testing"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// meeting is a running server with one meeting and somebody's tickets for it.
type meeting struct {
	*servertest.Server
	owner   *servertest.Browser
	id      string
	tickets []servertest.Ticket
}

// newMeeting starts a server with a meeting of that many people. The first of them owns it.
func newMeeting(t *testing.T, people int) *meeting {
	t.Helper()
	return newMeetingWith(t, people)
}

// newMeetingWith is newMeeting with flags for the server.
func newMeetingWith(t *testing.T, people int, flags ...string) *meeting {
	t.Helper()
	m := &meeting{Server: servertest.Start(t, flags...)}
	for i := range people {
		person := m.SignUp(t, fmt.Sprintf("person%d", i))
		if i == 0 {
			m.owner, m.id = person, person.CreateMeeting("Choir")
		}
		m.tickets = append(m.tickets, person.Join(m.id))
	}
	return m
}

// enter lets everybody into the meeting, one after the other.
func (m *meeting) enter(t *testing.T) []*servertest.Client {
	t.Helper()
	var clients []*servertest.Client
	for i, ticket := range m.tickets {
		clients = append(clients, servertest.Enter(t, ticket, uint64(i+1)))
	}
	return clients
}

func TestJoinIsAcknowledgedBeforeTheIndex(t *testing.T) {
	m := newMeeting(t, 1)
	s := servertest.Dial(t, m.tickets[0])
	s.SendJoin(1)
	var order []signalpb.SdkSignalFrame_Type
	var ack, index *signalpb.SdkSignalFrame
	s.Until("INDEX", func(f *signalpb.SdkSignalFrame) bool {
		order = append(order, f.GetType())
		switch f.GetType() {
		case signalpb.SdkSignalFrame_JOIN_ACK:
			ack = f
		case signalpb.SdkSignalFrame_INDEX:
			index = f
		}
		return index != nil
	})
	if fmt.Sprint(order) != "[JOIN_ACK INDEX]" {
		t.Errorf("frames after JOIN: %v", order)
	}
	// Credentials without addresses: clients connect directly, and old ones ask nobody else for relays.
	body := ack.GetJoinack()
	if body.GetTurnCredentials() == nil || len(body.GetTurnCredentials().GetUris()) != 0 || body.GetVideoSubscriptionLimit() != 25 {
		t.Errorf("JOIN_ACK: %v", body)
	}
	if index.Index == nil || len(index.GetIndex().GetSources()) != 0 || index.GetIndex().GetAtCapacity() || index.GetIndex().GetNumParticipants() != 1 {
		t.Errorf("first INDEX: %v", index)
	}
}

func TestPingIsAnsweredBeforeJoin(t *testing.T) {
	m := newMeeting(t, 1)
	s := servertest.Dial(t, m.tickets[0])
	s.Ping(41) // waits for a PONG of this id
	s.Join(1)
	s.Ping(42)
}

// Frames that need a participant are refused one by one; a session that has begun wrongly can still begin.
func TestFramesBeforeJoinAreRefused(t *testing.T) {
	m := newMeeting(t, 2)
	other := servertest.Enter(t, m.tickets[1], 2)
	s := servertest.Dial(t, m.tickets[0])
	for _, c := range []struct{ sent, answer signalpb.SdkSignalFrame_Type }{
		{signalpb.SdkSignalFrame_SUBSCRIBE, signalpb.SdkSignalFrame_SUBSCRIBE_ACK},
		{signalpb.SdkSignalFrame_AUDIO_CONTROL, signalpb.SdkSignalFrame_NOTIFICATION},
		{signalpb.SdkSignalFrame_PAUSE, signalpb.SdkSignalFrame_NOTIFICATION},
		{signalpb.SdkSignalFrame_RESUME, signalpb.SdkSignalFrame_NOTIFICATION},
		{signalpb.SdkSignalFrame_REMOTE_VIDEO_UPDATE, signalpb.SdkSignalFrame_NOTIFICATION},
		{signalpb.SdkSignalFrame_PRIMARY_MEETING_JOIN, signalpb.SdkSignalFrame_NOTIFICATION},
	} {
		s.Send(&signalpb.SdkSignalFrame{Type: c.sent.Enum()})
		if answer := s.Expect(c.answer); answer.GetError().GetStatus() != 400 {
			t.Errorf("%v before JOIN: %v", c.sent, answer)
		}
	}
	s.Join(1)
	other.Ping(1)
}

func entryOf(id uint32) func(*signalpb.SdkAudioStreamIdInfo) bool {
	return func(e *signalpb.SdkAudioStreamIdInfo) bool { return e.GetAudioStreamId() == id }
}

// isLeave tells whether a roster entry says that somebody left: it holds the id and nothing else.
func isLeave(e *signalpb.SdkAudioStreamIdInfo) bool {
	return e.AudioStreamId != nil && e.AttendeeId == nil && e.ExternalUserId == nil && e.Muted == nil && e.Dropped == nil
}

func TestRoster(t *testing.T) {
	m := newMeeting(t, 2)
	a := servertest.Enter(t, m.tickets[0], 1)
	if len(a.Roster) != 1 || a.AudioID == 0 {
		t.Fatalf("the first roster of the first: %v", a.Roster)
	}

	// The newcomer gets everybody, himself included; the others get one line.
	b := servertest.Arrive(t, m.tickets[1], 2)
	b.Muted = true
	b.Negotiate()
	if len(b.Roster) != 2 || b.Roster[a.Ticket.AttendeeID] != a.AudioID || b.AudioID <= a.AudioID {
		t.Fatalf("the first roster of the second: %v; the first has the id %d", b.Roster, a.AudioID)
	}
	line := a.UntilRoster("a line for the second", entryOf(b.AudioID))
	if line.GetAttendeeId() != b.Ticket.AttendeeID || line.GetExternalUserId() != b.Ticket.ExternalUserID || !line.GetMuted() {
		t.Errorf("the line for the second: %v", line)
	}

	// A change of mute goes to all, the one who changes it included.
	b.Mute(false)
	for who, c := range map[string]*servertest.Client{"the first": a, "the second": b} {
		if e := c.UntilRoster("a mute change", entryOf(b.AudioID)); e.AttendeeId != nil || e.Muted == nil || e.GetMuted() {
			t.Errorf("%s is told about the mute change: %v", who, e)
		}
	}

	// Whoever leaves is acknowledged, and the others are told.
	b.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_LEAVE.Enum(), Leave: &signalpb.SdkLeaveFrame{}})
	if ack := b.Expect(signalpb.SdkSignalFrame_LEAVE_ACK); ack.LeaveAck == nil {
		t.Errorf("LEAVE_ACK: %v", ack)
	}
	if e := a.UntilRoster("the leave", entryOf(b.AudioID)); !isLeave(e) {
		t.Errorf("the leave: %v", e)
	}
}

// A page that is closed says no LEAVE; the close code of the socket tells that it is no accident.
func TestCleanCloseIsALeave(t *testing.T) {
	m := newMeeting(t, 2)
	clients := m.enter(t)
	clients[1].Close()
	if e := clients[0].UntilRoster("the leave", func(e *signalpb.SdkAudioStreamIdInfo) bool {
		return e.GetAudioStreamId() == clients[1].AudioID && e.AttendeeId == nil
	}); !isLeave(e) {
		t.Errorf("the leave: %v", e)
	}
}

func TestPromotionIsRefused(t *testing.T) {
	m := newMeeting(t, 1)
	c := servertest.Arrive(t, m.tickets[0], 1)
	c.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_PRIMARY_MEETING_JOIN.Enum()})
	if ack := c.Expect(signalpb.SdkSignalFrame_PRIMARY_MEETING_JOIN_ACK); ack.GetError().GetStatus() != 403 {
		t.Errorf("answer: %v", ack)
	}
}
