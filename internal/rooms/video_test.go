package rooms

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/sdp"
	"carillon/internal/media/transport"
)

// null is a connection that nobody listens to.
type null struct{}

func (null) WriteRTP(*transport.Batch, *rtp.Header, []byte) error { return nil }
func (null) WritePacket(*transport.Batch, []byte) error           { return nil }
func (null) WriteRTCP(*transport.Batch, []byte) error             { return nil }

const (
	testMIDExt = 4
	testRIDExt = 10
)

// studio is a room with one camera and one viewer, without a network.
type studio struct {
	t      *testing.T
	room   *Room
	sender *Participant
	media  *media
	viewer *receivedVideo
	now    int64
	seq    map[string]uint16
	size   map[string]int // of a packet beside its header, in bytes
}

func newStudio(t *testing.T) *studio {
	activity := newActivityQueue(nil, slog.New(slog.DiscardHandler))
	t.Cleanup(activity.close)
	r := &Room{hub: &Hub{ids: idSource{}, activity: activity}, streams: make(map[uint32]*encoding)}
	s := &studio{t: t, room: r, now: transport.Now(), seq: make(map[string]uint16)}
	s.media = &media{up: forwarder.NewUpstream(forwarder.UpstreamConfig{Writer: null{}, MIDExt: testMIDExt, RIDExt: testRIDExt})}
	s.sender = &Participant{room: r, member: Member{AttendeeID: "ann"}, received: map[string]*receivedVideo{}}
	s.sender.media.Store(s.media)
	s.viewer = &receivedVideo{DownTrack: forwarder.NewDownTrack(forwarder.DownConfig{PayloadTypes: map[string]forwarder.PTs{"VP8": {PT: 96}}})}
	viewer := &Participant{
		room: r, member: Member{AttendeeID: "ben"}, can: Capabilities{Video: Capability{Receive: true}},
		received: map[string]*receivedVideo{"2": s.viewer},
	}
	r.members.Store(&[]*Participant{s.sender, viewer})
	return s
}

// announce is a SUBSCRIBE with simulcast.
func (s *studio) announce(rids []string, kbps ...uint32) []*encoding {
	section := &sdp.AnswerSection{
		Offer:      &sdp.Section{MID: "1", RIDs: rids},
		Negotiated: sdp.Negotiated{Codecs: []sdp.Codec{{PayloadType: 96, Name: "VP8", Format: sdp.VP8, ClockRate: 90000}}},
	}
	var sends []SendStream
	for _, k := range kbps {
		sends = append(sends, SendStream{MaxBitrateKbps: k})
	}
	return s.sender.setCameraLocked(s.media, section, sends)
}

// play lets time go by while some encodings are sent, 20 frames a second.
func (s *studio) play(d time.Duration, rids ...string) {
	for end := s.now + int64(d); s.now < end; s.now += int64(50 * time.Millisecond) {
		for i, rid := range rids {
			s.seq[rid]++
			h := rtp.Header{Version: 2, PayloadType: 96, SSRC: uint32(rid[0])<<8 + uint32(len(rid)), SequenceNumber: s.seq[rid], Timestamp: uint32(s.seq[rid]) * 4500}
			for id, value := range map[uint8]string{testMIDExt: "1", testRIDExt: rid} {
				if err := h.SetExtension(id, []byte(value)); err != nil {
					s.t.Fatal(err)
				}
			}
			key := []byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, byte(64 << i), 0, byte(36 << i), 0}
			if !s.media.up.HandleRTP(nil, &h, append(key, make([]byte, s.size[rid])...), s.now) {
				s.t.Fatalf("a packet of %s was not taken in", rid)
			}
		}
		s.media.up.Tick(nil, s.now)
		s.sender.camera.refreshLocked(s.now)
	}
}

// listed is the stream ids that the viewer is told.
func (s *studio) listed() (ids []uint32) {
	for _, source := range s.room.overviewLocked().view((*s.room.members.Load())[1]).Sources {
		if source.GroupID != s.sender.camera.id || source.AttendeeID != "ann" {
			s.t.Errorf("source %+v", source)
		}
		ids = append(ids, source.StreamID)
	}
	return ids
}

func TestEncodingsComeAndGo(t *testing.T) {
	s := newStudio(t)
	e := s.announce([]string{"low", "mid", "hi"}, 300, 0, 1200)
	low, mid, hi := e[0], e[1], e[2]
	expect := func(when string, shown *encoding, want ...*encoding) {
		t.Helper()
		var ids []uint32
		for _, e := range want {
			ids = append(ids, e.streamID)
		}
		if got := s.listed(); !slices.Equal(got, ids) {
			t.Errorf("%s: listed %v, want %v", when, got, ids)
		}
		if s.viewer.shown != shown {
			t.Errorf("%s: the viewer is shown another encoding", when)
		}
	}
	s.viewer.show(hi)
	expect("at first", hi, low, hi)

	s.play(time.Second, "low")
	expect("only the small one is sent", low, low, hi)
	s.play(startPatience, "low")
	expect("the large one never came", low, low)
	s.play(time.Second, "low", "hi")
	expect("both are sent", hi, low, hi)
	s.play(time.Second, "low")
	expect("the large one has stopped", low, low)
	s.play(500*time.Millisecond, "low", "hi")
	expect("it is back", hi, low, hi)
	s.play(3 * time.Second)
	expect("nothing is sent", hi, low, hi)

	if again := s.announce([]string{"low", "mid", "hi"}, 200, 600, 0); again[0] != low || again[1] != mid || again[2] != hi {
		t.Error("the ids have changed")
	}
	s.play(time.Second, "low", "mid")
	expect("the middle one in place of the large one", mid, low, mid)

	s.announce([]string{"low"}, 200)
	expect("only one is left", low, low)
	if s.viewer.wanted != low || s.room.streams[hi.streamID] != nil {
		t.Error("what is gone is still wanted")
	}
	s.sender.dropCameraLocked()
	if s.viewer.wanted != nil || s.viewer.shown != nil || len(s.room.streams) != 0 {
		t.Error("the camera is off and still shown")
	}
}

func TestIndexTellsSizes(t *testing.T) {
	s := newStudio(t)
	s.announce([]string{"low", "hi"}, 300, 1200)
	s.room.indexDirty = false
	s.play(2500*time.Millisecond, "low", "hi")
	if !s.room.indexDirty {
		t.Error("the sizes are known, and nobody is told")
	}
	sources := s.room.overviewLocked().view((*s.room.members.Load())[1]).Sources
	if len(sources) != 2 || sources[0].Width != 64 || sources[0].Height != 36 || sources[1].Width != 128 || sources[1].Height != 72 ||
		sources[0].MaxBitrateKbps != 300 || sources[1].MaxBitrateKbps != 1200 || sources[0].FrameRate < 18 || sources[0].FrameRate > 22 || sources[0].AverageBitrateBps == 0 {
		t.Errorf("sources %+v", sources)
	}
	s.room.indexDirty = false
	s.play(2*time.Second, "low", "hi")
	if s.room.indexDirty {
		t.Error("nothing has changed, and everybody is told")
	}
}

func TestOneEncodingIsAlwaysListed(t *testing.T) {
	s := newStudio(t)
	e := s.announce(nil, 0)
	if e[0].maxKbps != defaultMaxKbps || !slices.Equal(s.listed(), []uint32{e[0].streamID}) {
		t.Errorf("%+v", e[0])
	}
	s.announce([]string{"low", "hi"}, 0, 0)
	if len(s.listed()) != 1 {
		t.Errorf("listed %v while all encodings are disabled", s.listed())
	}
}

// Viewers are told when a camera that is on sends nothing, and when it is back.
func TestIndexTellsWhoDoesNotGetThrough(t *testing.T) {
	s := newStudio(t)
	e := s.announce([]string{"low", "hi"}, 300, 1200)
	expect := func(when string, dirty bool, want ...uint32) {
		t.Helper()
		if s.room.indexDirty != dirty {
			t.Errorf("%s: the index changes: %v", when, s.room.indexDirty)
		}
		s.room.indexDirty = false
		if got := s.room.overviewLocked().view((*s.room.members.Load())[1]).Stalled; !slices.Equal(got, want) {
			t.Errorf("%s: stalled %v, want %v", when, got, want)
		}
	}
	s.play(stallPatience + time.Second)
	expect("nothing has come yet", true)
	s.play(3*time.Second, "low", "hi")
	expect("both are sent", true)
	s.play(stallPatience)
	expect("a pause", false)
	s.play(time.Second)
	expect("nothing comes", true, e[0].streamID, e[1].streamID)
	s.play(time.Second)
	expect("still nothing", false, e[0].streamID, e[1].streamID)
	s.play(100*time.Millisecond, "low", "hi")
	expect("it is back", true)
	s.play(stallPatience+time.Second, "low")
	expect("only the small one comes, which is enough", true)
	s.announce([]string{"low", "hi"}, 0, 0)
	s.room.indexDirty = false
	s.play(stallPatience + time.Second)
	expect("the client sends nothing on purpose", s.room.indexDirty)
	now := transport.Now() // by which the time is told when an encoding is enabled again
	s.now = max(s.now, now)
	s.announce([]string{"low", "hi"}, 300, 1200)
	for _, each := range e {
		each.enabled = s.now
	}
	s.play(stallPatience - time.Second)
	expect("it has just been enabled again", s.room.indexDirty)
	s.play(2 * time.Second)
	expect("and still sends nothing", true, e[0].streamID)
}

func TestCodecsThatEverybodyDecodes(t *testing.T) {
	s := newStudio(t)
	members := *s.room.members.Load()
	members[0].codecs = []sdp.Format{sdp.VP8, sdp.VP9Profile0, sdp.H264Baseline, sdp.AV1Main}
	members[1].codecs = []sdp.Format{sdp.VP8, sdp.H264Baseline, sdp.H264High}
	members = append(members, &Participant{content: true, codecs: []sdp.Format{sdp.VP8}}, &Participant{})
	s.room.members.Store(&members)
	if got := s.room.codecsLocked(); !slices.Equal(got, []sdp.Format{sdp.VP8, sdp.H264Baseline}) {
		t.Errorf("common formats %v", got)
	}
}

// When nothing comes at all the tile stays, by the encoding that is meant to be sent, and the index stays as it is.
func TestIndexRestsWhileNothingIsSent(t *testing.T) {
	s := newStudio(t)
	mid := s.announce([]string{"low", "mid", "hi"}, 0, 1200, 0)[1]
	s.play(startPatience + time.Second)
	s.room.indexDirty = false
	s.play(time.Second)
	if s.room.indexDirty {
		t.Error("the index changes although nothing happens")
	}
	if got := s.listed(); !slices.Equal(got, []uint32{mid.streamID}) {
		t.Errorf("listed %v, want %d", got, mid.streamID)
	}
}
