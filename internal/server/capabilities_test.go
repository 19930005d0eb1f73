package server_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"carillon/internal/meetings"
	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// all is what attendees may do unless something else is said.
var all = meetings.Capabilities{Audio: "SendReceive", Video: "SendReceive", Content: "SendReceive"}

// but returns all with one kind of media changed.
func but(kind, value string) meetings.Capabilities {
	c := all
	switch kind {
	case "audio":
		c.Audio = value
	case "video":
		c.Video = value
	case "content":
		c.Content = value
	}
	return c
}

// muteOf accepts the roster change that says whether an attendee is muted.
func muteOf(id uint32, muted bool) func(*signalpb.SdkAudioStreamIdInfo) bool {
	return func(e *signalpb.SdkAudioStreamIdInfo) bool {
		return e.GetAudioStreamId() == id && e.Muted != nil && e.GetMuted() == muted
	}
}

// listing accepts an index with exactly these attendees' videos.
func listing(attendees ...string) func(*signalpb.SdkSignalFrame) bool {
	return func(f *signalpb.SdkSignalFrame) bool {
		if f.GetIndex() == nil || len(f.GetIndex().GetSources()) != len(attendees) {
			return false
		}
		seen := make(map[string]bool)
		for _, s := range f.GetIndex().GetSources() {
			seen[s.GetAttendeeId()] = true
		}
		for _, id := range attendees {
			if !seen[id] {
				return false
			}
		}
		return true
	}
}

// wantNoFrames checks that nothing more of the camera arrives on the stream: what was on its way has ten frames' time.
func wantNoFrames(t *testing.T, camera *servertest.Camera, video *servertest.Stream) {
	t.Helper()
	sent := camera.Frames()
	waitFor(t, "ten frames sent", func() bool { return camera.Frames() >= sent+10 })
	video.Skip()
	waitFor(t, "twenty frames sent", func() bool { return camera.Frames() >= sent+20 })
	if n := video.Waiting(); n != 0 {
		t.Errorf("%d packets are forwarded that must not be", n)
	}
}

// Whoever may not send audio is muted, and stays so whatever the client says.
func TestAudioSendCapability(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	c[0].Speak(440)
	ear := c[1].Ear()
	hears(t, "the other", ear, map[int]bool{440: true})

	m.SetCapabilities(t, m.tickets[0], but("audio", "Receive"))
	c[1].UntilRoster("the mute", muteOf(c[0].AudioID, true))
	c[0].UntilRoster("its own mute", muteOf(c[0].AudioID, true))
	c[1].Audio().Skip()
	hears(t, "the other", ear, map[int]bool{440: false})

	for _, muted := range []bool{false, true, false} {
		c[0].Mute(muted)
	}
	c[0].Subscribe() // repeats audio_muted = false
	c[0].Ping(1)
	c[1].Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_PING_PONG.Enum(),
		PingPong: &signalpb.SdkPingPongFrame{Type: signalpb.SdkPingPongType_PING.Enum(), PingId: proto.Uint32(7)}})
	c[1].Until("PONG", func(f *signalpb.SdkSignalFrame) bool {
		for _, e := range f.GetAudioStreamIdInfo().GetStreams() {
			t.Errorf("the client's wish reaches the others: %v", e)
		}
		return f.GetPingPong() != nil
	})
	c[1].Audio().Skip()
	hears(t, "the other", ear, map[int]bool{440: false})

	m.SetCapabilities(t, m.tickets[0], all)
	c[1].UntilRoster("the end of the mute", muteOf(c[0].AudioID, false))
	hears(t, "the other", ear, map[int]bool{440: true})
}

// Somebody who comes without the right to speak is never heard and shown as muted from the first roster on.
func TestAudioSendCapabilityAtJoin(t *testing.T) {
	m := newMeeting(t, 2)
	m.SetCapabilities(t, m.tickets[1], but("audio", "None"))
	first := servertest.Enter(t, m.tickets[0], 1)
	first.Speak(440)
	silenced := servertest.Enter(t, m.tickets[1], 2)
	silenced.Speak(1000)
	first.UntilRoster("the newcomer, muted", func(e *signalpb.SdkAudioStreamIdInfo) bool {
		if e.GetAttendeeId() == m.tickets[1].AttendeeID && !e.GetMuted() {
			t.Error("the newcomer is not shown as muted")
		}
		return e.GetAttendeeId() == m.tickets[1].AttendeeID
	})
	hears(t, "the first", first.Ear(), map[int]bool{1000: false})
	hears(t, "the newcomer", silenced.Ear(), map[int]bool{440: false})
}

// Whoever may not hear gets silence, in as many packets as ever.
func TestAudioReceiveCapability(t *testing.T) {
	m := newMeeting(t, 3)
	c := m.enter(t)
	c[0].Speak(440)
	c[1].Speak(1000)
	ear := c[1].Ear()
	hears(t, "the other", ear, map[int]bool{440: true, 1000: false})
	m.SetCapabilities(t, m.tickets[1], but("audio", "Send"))
	hears(t, "the deaf one", ear, map[int]bool{440: false, 1000: false})
	hears(t, "the third", c[2].Ear(), map[int]bool{440: true, 1000: true})
	last := c[1].Audio().Next()
	for range 100 {
		p := c[1].Audio().Next()
		if p.SequenceNumber != last.SequenceNumber+1 || p.Timestamp != last.Timestamp+960 {
			t.Fatalf("number %d time %d follows number %d time %d", p.SequenceNumber, p.Timestamp, last.SequenceNumber, last.Timestamp)
		}
		last = p
	}
	m.SetCapabilities(t, m.tickets[1], all)
	hears(t, "the other", ear, map[int]bool{440: true, 1000: false})
}

func TestVideoSendCapability(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	camera := c[0].StartCamera('a')
	c[0].Subscribe()
	id := cameraOf(t, c[1], c[0])
	ack := c[1].Subscribe(id)
	video := c[1].Video(trackOf(t, ack, id).GetSsrc())
	video.NextFrame()

	m.SetCapabilities(t, m.tickets[0], but("video", "Receive"))
	c[0].Until("the refusal of the camera", func(f *signalpb.SdkSignalFrame) bool {
		return f.GetIndex().GetAtCapacity() && f.GetError().GetStatus() == 206
	})
	c[1].Until("INDEX without the camera", listing())
	wantNoFrames(t, camera, video)

	// The client tries again.
	again := c[0].Subscribe()
	if again.GetError().GetStatus() != 206 || len(again.GetSuback().GetAllocations()) != 0 {
		t.Errorf("another attempt is answered with %v", again)
	}
	if v := sections(again.GetSuback().GetSdpAnswer(), "video"); len(v) != 1 || !strings.Contains(v[0], "\r\na=inactive") {
		t.Errorf("the camera's section: %v", v)
	}
	wantNoFrames(t, camera, video)

	m.SetCapabilities(t, m.tickets[0], all)
	c[0].Until("INDEX with room for a camera", func(f *signalpb.SdkSignalFrame) bool {
		return f.GetIndex() != nil && !f.GetIndex().GetAtCapacity() && f.GetError() == nil
	})
	if ack := c[0].Subscribe(); ack.GetError() != nil {
		t.Errorf("a camera that is allowed again is answered with %v", ack.GetError())
	}
	id = cameraOf(t, c[1], c[0])
	ack = c[1].Subscribe(id)
	c[1].Video(trackOf(t, ack, id).GetSsrc()).NextFrame()
}

func TestVideoReceiveCapability(t *testing.T) {
	m := newMeeting(t, 3)
	c := m.enter(t)
	camera := c[0].StartCamera('a')
	c[0].Subscribe()
	screen := servertest.Enter(t, m.tickets[2].Content(), 9)
	screen.StartCamera('s')
	screen.Subscribe()
	id := cameraOf(t, c[1], c[0])
	ack := c[1].Subscribe(id)
	video := c[1].Video(trackOf(t, ack, id).GetSsrc())
	video.NextFrame()

	m.SetCapabilities(t, m.tickets[1], but("video", "Send"))
	c[1].Until("INDEX with the screen only", listing(screen.Ticket.AttendeeID))
	wantNoFrames(t, camera, video)
	c[1].Send(&signalpb.SdkSignalFrame{
		Type: signalpb.SdkSignalFrame_REMOTE_VIDEO_UPDATE.Enum(),
		RemoteVideoUpdate: &signalpb.SdkRemoteVideoUpdateFrame{AddedOrUpdatedVideoSubscriptions: []*signalpb.SdkVideoSubscriptionConfiguration{
			{Mid: proto.String(strings.TrimPrefix(trackOf(t, ack, id).GetTrackLabel(), "v_")), StreamId: proto.Uint32(id)},
		}},
	})
	if again := c[1].Subscribe(id); len(again.GetSuback().GetTracks()) != 0 {
		t.Errorf("a forbidden stream is answered with %v", again.GetSuback().GetTracks())
	}
	wantNoFrames(t, camera, video)

	m.SetCapabilities(t, m.tickets[1], all)
	c[1].Until("INDEX with both", listing(screen.Ticket.AttendeeID, c[0].Ticket.AttendeeID))
	ack = c[1].Subscribe(id)
	if f := c[1].Video(trackOf(t, ack, id).GetSsrc()).NextFrame(); !f.Key {
		t.Errorf("the video begins again with frame %d, which is no key frame", f.Number)
	}
}

// Somebody who may not receive content gets neither its picture nor its sound, and the others do.
func TestContentReceiveCapability(t *testing.T) {
	m := newMeeting(t, 3)
	c := m.enter(t)
	screen := servertest.Enter(t, m.tickets[2].Content(), 9)
	picture := screen.StartCamera('s')
	screen.Subscribe()
	screen.Speak(2000)
	c[0].Speak(440)
	ear, other := c[1].Ear(), c[0].Ear()
	hears(t, "the viewer", ear, map[int]bool{440: true, 2000: true})
	var id uint32
	c[1].Until("the screen in INDEX", func(f *signalpb.SdkSignalFrame) bool {
		for _, s := range f.GetIndex().GetSources() {
			id = s.GetStreamId()
		}
		return id != 0
	})
	ack := c[1].Subscribe(id)
	video := c[1].Video(trackOf(t, ack, id).GetSsrc())
	video.NextFrame()

	m.SetCapabilities(t, m.tickets[1], but("content", "Send"))
	c[1].Until("INDEX without the screen", listing())
	wantNoFrames(t, picture, video)
	c[1].Audio().Skip()
	hears(t, "the viewer", ear, map[int]bool{440: true, 2000: false})
	c[0].Audio().Skip()
	hears(t, "another", other, map[int]bool{440: false, 2000: true})

	m.SetCapabilities(t, m.tickets[1], all)
	c[1].Until("INDEX with the screen", listing(screen.Ticket.AttendeeID))
	hears(t, "the viewer", ear, map[int]bool{440: true, 2000: true})
	trackOf(t, c[1].Subscribe(id), id)
	video.Skip()
	video.NextFrame()
}

func TestContentSendCapability(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	screen := servertest.Enter(t, m.tickets[0].Content(), 9)
	screen.StartCamera('s')
	screen.Subscribe()
	c[1].Until("the screen in INDEX", listing(screen.Ticket.AttendeeID))

	m.SetCapabilities(t, m.tickets[0], but("content", "Receive"))
	wantStatus(t, "the shared screen", screen, 409)
	leaveAfterEnd(t, screen)
	c[1].UntilRoster("the screen to go", func(e *signalpb.SdkAudioStreamIdInfo) bool {
		return e.GetAudioStreamId() == screen.AudioID && isLeave(e)
	})
	c[1].Until("INDEX without the screen", listing())

	refused := servertest.Dial(t, m.tickets[0].Content())
	refused.SendJoin(10)
	if status := refused.Expect(signalpb.SdkSignalFrame_JOIN_ACK).GetError().GetStatus(); status != 409 {
		t.Errorf("sharing again is answered with status %d", status)
	}
	c[0].Ping(1) // the main connection is not touched
	c[0].Audio().Next()

	// A join reads the row itself, so it need not wait for the change feed.
	m.SetCapabilities(t, m.tickets[0], all)
	again := servertest.Enter(t, m.tickets[0].Content(), 11)
	again.StartCamera('s')
	again.Subscribe()
	c[1].Until("the screen in INDEX again", listing(again.Ticket.AttendeeID))
}
