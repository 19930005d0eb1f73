package rooms

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"carillon/internal/media/bwe"
	"carillon/internal/media/forwarder"
)

// told is an Observer that notes what is paused.
type told struct {
	Observer
	paused, resumed []uint32
}

func (o *told) Paused(ids []uint32, paused bool) {
	if paused {
		o.paused = append(o.paused, ids...)
	} else {
		o.resumed = append(o.resumed, ids...)
	}
}

// theatre is a studio whose viewer has a line.
type theatre struct {
	*studio
	low, hi *encoding
	viewer  *Participant
	video   *receivedVideo
	down    *forwarder.Downstream
	told    *told
}

func newTheatre(t *testing.T, a Adaptation) *theatre {
	s := newStudio(t)
	s.size = map[string]int{"low": 1000, "hi": 4000} // 160 and 640 kbit/s
	e := s.announce([]string{"low", "hi"}, 200, 700)
	x := &theatre{studio: s, low: e[0], hi: e[1], viewer: (*s.room.members.Load())[1], video: s.viewer, told: &told{}}
	x.down = forwarder.NewDownstream(forwarder.DownstreamConfig{Writer: null{}})
	x.down.Add(x.video.DownTrack)
	x.viewer.media.Store(&media{down: x.down, up: forwarder.NewUpstream(forwarder.UpstreamConfig{Writer: null{}})})
	x.sender.media.Load().down = forwarder.NewDownstream(forwarder.DownstreamConfig{Writer: null{}})
	x.viewer.log, x.viewer.member.Adaptation, x.viewer.member.Observer = slog.New(slog.DiscardHandler), a, x.told
	x.video.show(x.hi)
	x.play(4*time.Second, "low", "hi")
	return x
}

// line says what the viewer can take, and lets the room choose for some seconds.
func (x *theatre) line(bps float32) { x.lineFor(bps, 3*time.Second) }

func (x *theatre) lineFor(bps float32, d time.Duration) {
	raw, err := (&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: bps}).Marshal()
	if err != nil {
		x.t.Fatal(err)
	}
	for range d / (100 * time.Millisecond) {
		x.down.HandleRTCP(nil, raw, x.now)
		x.play(100*time.Millisecond, "low", "hi")
		x.down.Tick(nil, x.now)
		x.room.allocate(x.now)
	}
}

// A steep fall of the bandwidth is acted on with the next frame of the clock, and once.
func TestFallIsNotWaitedFor(t *testing.T) {
	x := newTheatre(t, AdaptAll)
	x.line(2_000_000)
	x.room.allocateFallen(x.now) // for what came before
	for _, step := range []struct {
		bps  float32
		want *encoding
	}{{1_900_000, x.hi}, {300_000, x.low}} {
		raw, err := (&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: step.bps}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		x.down.HandleRTCP(nil, raw, x.now)
		if x.video.shown != x.hi {
			t.Fatal("chosen anew on the goroutine that reads")
		}
		x.room.allocateFallen(x.now)
		if x.video.shown != step.want {
			t.Errorf("at %.0f bit/s %q is shown", step.bps, x.video.shown.rid)
		}
	}
	if x.down.Fell() {
		t.Error("a fall is told twice")
	}
}

func TestAdaptAll(t *testing.T) {
	x := newTheatre(t, AdaptAll)
	group := []uint32{x.low.group.id}
	expect := func(when string, shown *encoding, paused bool) {
		t.Helper()
		if x.video.shown != shown || x.video.serverPaused != paused {
			t.Errorf("%s: shown %q, paused %v", when, x.video.shown.rid, x.video.serverPaused)
		}
	}
	x.line(2_000_000)
	expect("wide", x.hi, false)
	x.line(400_000)
	expect("narrow", x.low, false)
	x.line(60_000)
	expect("tiny", x.low, true)
	x.line(400_000)
	expect("narrow again", x.low, false)
	x.line(2_000_000)
	expect("wide again", x.hi, false)
	if !slices.Equal(x.told.paused, group) || !slices.Equal(x.told.resumed, group) {
		t.Errorf("paused %v, resumed %v", x.told.paused, x.told.resumed)
	}

	x.viewer.SetPaused([]uint32{x.hi.streamID}, true)
	x.line(60_000)
	x.line(2_000_000)
	if !x.video.userPaused || len(x.told.paused) != 1 || len(x.told.resumed) != 1 {
		t.Errorf("a video that the user has paused: %+v", x.told)
	}
	x.viewer.SetPaused([]uint32{x.hi.streamID}, false)

	x.viewer.UpdateVideo([]Wish{{MID: "2", GroupID: group[0], TargetKbps: 300, Preference: bwe.Balanced}}, nil)
	x.line(2_000_000)
	expect("small on the screen", x.low, false)
	x.viewer.UpdateVideo(nil, []string{"2"})
	x.line(2_000_000)
	expect("no wish any more", x.hi, false)
}

func TestDipDoesNotPause(t *testing.T) {
	x := newTheatre(t, AdaptAll)
	x.line(400_000)
	for range 3 {
		x.lineFor(60_000, 1500*time.Millisecond)
		if x.video.shown != x.low {
			t.Errorf("shown %q", x.video.shown.rid)
		}
		x.line(400_000)
	}
	if len(x.told.paused) != 0 {
		t.Error("paused by a dip")
	}
}

func TestAdaptLayersNeverPauses(t *testing.T) {
	x := newTheatre(t, AdaptLayers)
	x.line(2_000_000)
	if x.video.shown != x.hi {
		t.Error("the large encoding is not shown on a wide line")
	}
	x.line(60_000)
	if x.video.shown != x.low || x.video.serverPaused || len(x.told.paused) != 0 {
		t.Errorf("shown %q, paused %v", x.video.shown.rid, x.video.serverPaused)
	}
	x.video.show(x.low) // the client asks for the small one
	x.line(2_000_000)
	if x.video.shown != x.low {
		t.Error("more is shown than was asked for")
	}
}

func TestClientThatPicksIsLeftAlone(t *testing.T) {
	x := newTheatre(t, AdaptLayers)
	x.line(60_000)
	x.viewer.UpdateVideo([]Wish{{MID: "2", StreamID: x.hi.streamID}, {MID: "no such", StreamID: x.low.streamID}}, []string{"neither"})
	x.line(60_000)
	if x.video.shown != x.hi {
		t.Error("the client's choice is not shown")
	}
}

func TestLimitOfSmallCalls(t *testing.T) {
	x := newTheatre(t, AdaptAll)
	x.low.group.takesLimits = true
	x.room.people = 2
	x.line(400_000)
	if g := x.low.group; g.limit != 0 {
		t.Errorf("a sender of two encodings is limited to %d", g.limit)
	}
	x.hi.flowing = false
	x.sender.limitCameraLocked()
	if g := x.low.group; g.limit != 0 {
		t.Errorf("a sender that has no bandwidth for its second encoding is limited to %d", g.limit)
	}
	for _, e := range x.low.group.encodings {
		e.flowing = e == x.hi
		if !e.flowing {
			e.maxKbps = 0
		}
	}
	x.sender.limitCameraLocked()
	if g := x.low.group; g.limit < 350_000 || g.limit > 400_000 {
		t.Errorf("the sender is limited to %d", g.limit)
	}
	x.room.people = 3
	x.sender.limitCameraLocked()
	if g := x.low.group; g.limit != 0 {
		t.Errorf("in a call of three the sender is limited to %d", g.limit)
	}
}
