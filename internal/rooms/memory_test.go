package rooms

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"testing"

	"carillon/internal/media/sdp"
)

// What rooms and people hold before any media flows. The limits leave room: what they are there to find is something that
// everybody has and few need, and descriptions that stay in memory as a whole.
const (
	maxRoom        = 40 << 10 // bytes, without the encoder that its clock makes
	maxParticipant = 13 << 10
)

func TestMemoryOfRooms(t *testing.T) {
	h := &Hub{cfg: Config{Logger: slog.New(slog.DiscardHandler)}}
	rooms := make([]*Room, 200)
	before := heap()
	for i := range rooms {
		rooms[i] = newRoom(h, fmt.Sprint(i))
	}
	judge(t, "room", heap()-before, len(rooms), maxRoom)
	runtime.KeepAlive(rooms)
}

func TestMemoryOfParticipants(t *testing.T) {
	offer, err := os.ReadFile("../media/sdp/testdata/chromium-camera-and-two-videos.sdp")
	if err != nil {
		t.Fatal(err)
	}
	c := newCompany(t, 1)
	listeners := make([]*listener, 200)
	before := heap()
	for i := range listeners {
		listeners[i] = &listener{}
		enter(t, c.hub, Member{ConferenceID: "c", AttendeeID: fmt.Sprint(i), Observer: listeners[i]}, string(offer))
	}
	for _, l := range append(listeners, c.ear...) {
		l.note(func() { l.rosters, l.index = nil, nil })
	}
	judge(t, "participant", heap()-before, len(listeners), maxParticipant)
}

// enter lets somebody in, with a muted microphone.
func enter(t *testing.T, h *Hub, m Member, offer string) {
	t.Helper()
	all := Capability{Send: true, Receive: true}
	m.Capabilities = Capabilities{all, all, all}
	p, err := h.Join(m)
	if err != nil {
		t.Fatal(err)
	}
	o, err := sdp.ParseOffer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Subscribe(Subscription{Offer: o, Muted: true}); err != nil {
		t.Fatal(err)
	}
}

func judge(t *testing.T, what string, bytes uint64, n int, limit uint64) {
	t.Helper()
	each := bytes / uint64(n)
	t.Logf("a %s takes %d bytes", what, each)
	if each > limit {
		t.Errorf("a %s takes %d bytes, want %d at the most", what, each, limit)
	}
}

// heap is what is in use. What is pooled needs two rounds to go.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
