package rooms

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/transport"
)

// patience is how long a test waits for what must come.
const patience = 15 * time.Second

// listener is an Observer that keeps what it is told, or panics.
type listener struct {
	mu      sync.Mutex
	armed   bool // it panics from now on
	left    map[uint32]bool
	rosters []*Shared[[]RosterEntry]
	index   *Shared[Index]
	volumes int
	ended   []Reason
}

func (l *listener) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.armed {
		panic("boom")
	}
	f()
}

func (l *listener) Index(ix *Shared[Index])     { l.note(func() { l.index = ix }) }
func (l *listener) Signals(*Shared[[]Signal])   { l.note(func() {}) }
func (l *listener) Bitrates([]Bitrate, int64)   { l.note(func() {}) }
func (l *listener) Paused([]uint32, bool)       { l.note(func() {}) }
func (l *listener) Messages(*Shared[[]Message]) { l.note(func() {}) }
func (l *listener) Volumes(*Shared[[]Volume])   { l.note(func() { l.volumes++ }) }
func (l *listener) Ended(r Reason)              { l.note(func() { l.ended = append(l.ended, r) }) }
func (l *listener) Roster(news *Shared[[]RosterEntry]) {
	l.note(func() {
		l.rosters = append(l.rosters, news)
		for _, e := range news.Value {
			if e.AttendeeID == "" && e.Muted == nil {
				l.left[e.AudioStreamID] = true
			}
		}
	})
}

func (l *listener) arm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = true
}

// heard is how many volume frames have come.
func (l *listener) heard() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.volumes
}

// await polls, because what it waits for is done by other goroutines.
func (l *listener) await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		l.mu.Lock()
		done := is()
		l.mu.Unlock()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// company is a hub with people who have joined one conference, and are in the roster but have no media yet.
type company struct {
	hub   *Hub
	media *transport.Server
	ear   []*listener
	all   []*Participant
}

func newCompany(t *testing.T, n int) *company {
	t.Helper()
	media, err := transport.Listen(transport.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	c := &company{media: media, hub: NewHub(Config{Transport: media, Logger: slog.New(slog.DiscardHandler)})}
	t.Cleanup(func() { c.hub.Close(); media.Close() })
	for i := range n {
		l := &listener{left: make(map[uint32]bool)}
		p, err := c.hub.Join(Member{ConferenceID: "c", AttendeeID: fmt.Sprint("a", i), SessionID: uint64(i), Observer: l})
		if err != nil {
			t.Fatal(err)
		}
		p.room.mu.Lock()
		p.room.announceLocked(p)
		p.room.mu.Unlock()
		c.ear, c.all = append(c.ear, l), append(c.all, p)
	}
	return c
}

// bomb is a connection whose feedback panics.
type bomb struct{ null }

func (bomb) WriteRTCP(*transport.Batch, []byte) error { panic("boom") }

// armMedia gives a participant media of which the periodic work panics.
func (c *company) armMedia(t *testing.T, p *Participant) {
	t.Helper()
	conn, err := c.media.NewConn(transport.ConnConfig{
		RemoteUfrag: "peer", RemotePwd: "peerpeerpeerpeerpeerpeer", Handler: p,
		RemoteFingerprints: []transport.Fingerprint{{Algorithm: "sha-256", Value: c.media.Fingerprint()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &media{
		conn: conn, up: forwarder.NewUpstream(forwarder.UpstreamConfig{Writer: bomb{}}),
		down: forwarder.NewDownstream(forwarder.DownstreamConfig{Writer: conn}),
	}
	m.up.RecordArrival(nil, &rtp.Header{SSRC: 1}, transport.Now()) // which is to be reported on
	p.media.Store(m)
}

// What goes wrong in the handling of one participant ends that one, whoever's goroutine it happens on, and nobody else.
func TestPanicEndsOneParticipant(t *testing.T) {
	for name, blow := range map[string]func(*testing.T, *company){
		"told by another's session": func(_ *testing.T, c *company) {
			c.ear[0].arm()
			c.all[1].room.mu.Lock()
			defer c.all[1].room.mu.Unlock()
			c.all[1].room.announceLocked(c.all[1])
		},
		"told by the clock":    func(_ *testing.T, c *company) { c.ear[0].arm(); c.all[1].room.endQuiet() },
		"periodic work":        func(t *testing.T, c *company) { c.armMedia(t, c.all[0]) },
		"pacing":               func(_ *testing.T, c *company) { c.hub.pacer.add(&media{owner: c.all[0]}) },
		"told that it is over": func(_ *testing.T, c *company) { c.ear[0].arm(); c.hub.Remove("c", "a0") },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCompany(t, 3)
			blow(t, c)
			for _, other := range c.ear[1:] {
				other.await(t, "the others see it leave", func() bool { return other.left[c.all[0].audioID] })
				before := other.heard()
				c.all[1].room.endQuiet()
				other.await(t, "the clock goes on", func() bool { return other.volumes > before })
				if len(other.ended) > 0 || len(other.left) > 1 {
					t.Errorf("another was ended %v, or seen to leave %v", other.ended, other.left)
				}
			}
			if n := c.hub.Participants(); n != 2 {
				t.Errorf("%d are left of 3", n)
			}
		})
	}
}

// endQuiet makes the clock report volumes again.
func (r *Room) endQuiet() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quiet = 0
}

// A panic in the clock itself ends the room, whose people come again, and no other room.
func TestPanicInClockEndsOneRoom(t *testing.T) {
	c := newCompany(t, 2)
	l := &listener{left: make(map[uint32]bool)}
	if _, err := c.hub.Join(Member{ConferenceID: "other", AttendeeID: "b", Observer: l}); err != nil {
		t.Fatal(err)
	}
	r := c.all[0].room
	r.mu.Lock()
	r.streams[1] = nil // which the clock does not expect
	r.mu.Unlock()
	for _, ear := range c.ear {
		ear.await(t, "people are asked to come again", func() bool { return len(ear.ended) == 1 && ear.ended[0] == ReasonRestart })
	}
	if n := c.hub.Participants(); n != 1 {
		t.Errorf("%d are left, of the other room", n)
	}
}
