package server_test

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// talk lets two people hear and one see the other.
func talk(t *testing.T, one, other *servertest.Client) {
	t.Helper()
	one.Speak(440)
	other.Speak(1000)
	hears(t, "the one", one.Ear(), map[int]bool{440: false, 1000: true})
	hears(t, "the other", other.Ear(), map[int]bool{440: true, 1000: false})
	one.StartCamera('a')
	one.Subscribe()
	id := cameraOf(t, other, one)
	track := trackOf(t, other.Subscribe(id), id)
	video := other.Video(track.GetSsrc())
	for range 50 {
		video.Next()
	}
}

func TestPeopleWithoutUDP(t *testing.T) {
	m := newMeeting(t, 2)
	talk(t, servertest.EnterOverTCP(t, m.tickets[0], 1), servertest.Enter(t, m.tickets[1], 2))
}

func TestEverybodyThroughTheRelay(t *testing.T) {
	for name, keep := range map[string]string{"UDP": "?transport=udp", "TCP": "?transport=tcp"} {
		t.Run(name, func(t *testing.T) {
			m := newMeetingWith(t, 2, "--turn=127.0.0.1:0", "--turn-policy=always")
			one := servertest.EnterThrough(t, keep, m.tickets[0], 1)
			other := servertest.EnterThrough(t, keep, m.tickets[1], 2)
			if len(one.Relay) != 1 || len(other.Relay) != 1 {
				t.Fatalf("told to use %v and %v", one.Relay, other.Relay)
			}
			talk(t, one, other)
		})
	}
}

// credentials joins and returns what the client is told about the relay.
func credentials(t *testing.T, ticket servertest.Ticket, session uint64) *signalpb.SdkTurnCredentials {
	t.Helper()
	s := servertest.Dial(t, ticket)
	defer s.Close()
	ack, _ := s.Join(session)
	return ack.GetJoinack().GetTurnCredentials()
}

func TestWhoIsToldToUseTheRelay(t *testing.T) {
	for _, test := range []struct {
		flags       []string
		asks, relay bool
	}{
		{nil, true, false},
		{[]string{"--turn=127.0.0.1:0"}, false, false},
		{[]string{"--turn=127.0.0.1:0"}, true, true},
		{[]string{"--turn=127.0.0.1:0", "--turn-policy=never"}, true, false},
		{[]string{"--turn=127.0.0.1:0", "--turn-policy=always", "--turn-host=relay.example"}, false, true},
	} {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			m := newMeetingWith(t, 1, test.flags...)
			ticket := m.tickets[0]
			if test.asks {
				ticket.SignalingURL += "/relay"
			}
			got := credentials(t, ticket, 1)
			if got == nil || (len(got.GetUris()) > 0) != test.relay || (got.GetPassword() != "") != test.relay {
				t.Fatalf("told %v", got)
			}
			host := "turn:127.0.0.1:"
			if strings.Contains(fmt.Sprint(test.flags), "relay.example") {
				host = "turn:relay.example:"
			}
			for _, uri := range got.GetUris() {
				if !strings.HasPrefix(uri, host) {
					t.Errorf("address %s", uri)
				}
			}
			if again := credentials(t, ticket, 2); test.relay && again.GetUsername() == got.GetUsername() {
				t.Error("two sessions have the same credentials")
			}
		})
	}
}

func TestRelayDoesNotStartWithoutItsPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if err := servertest.StartFails(t, "--turn="+taken.Addr().String()); err == nil || !strings.Contains(err.Error(), "--turn") {
		t.Errorf("started, or failed with %v", err)
	}
}

// The client does not notice that its address changes, so only what it does anyway can save the call.
func TestCallSurvivesARebindingNAT(t *testing.T) {
	m := newMeeting(t, 2)
	nat := servertest.NewNAT(t, m.Server)
	one, other := servertest.EnterBehind(t, nat, m.tickets[0], 1), servertest.Enter(t, m.tickets[1], 2)
	talk(t, one, other)
	nat.Rebind()
	one.Speak(620)
	other.Speak(1400)
	hears(t, "the other", other.Ear(), map[int]bool{440: false, 620: true})
	hears(t, "the one", one.Ear(), map[int]bool{1000: false, 1400: true})
}
