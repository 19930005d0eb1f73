package server_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// cameraOf waits until the viewer's index lists a video of the sender, and returns its stream id.
func cameraOf(t *testing.T, viewer, sender *servertest.Client) uint32 {
	t.Helper()
	var id uint32
	viewer.Until("the camera in INDEX", func(f *signalpb.SdkSignalFrame) bool {
		for _, s := range f.GetIndex().GetSources() {
			if s.GetAttendeeId() == sender.Ticket.AttendeeID {
				id = s.GetStreamId()
				if s.GetMediaType() != signalpb.SdkStreamMediaType_VIDEO || s.GetGroupId() == 0 || s.GetMaxBitrateKbps() != 1200 ||
					s.GetExternalUserId() != sender.Ticket.ExternalUserID {
					t.Errorf("INDEX lists %v", s)
				}
			}
		}
		return id != 0
	})
	return id
}

// trackOf returns the line of SUBSCRIBE_ACK for a stream.
func trackOf(t *testing.T, ack *signalpb.SdkSignalFrame, streamID uint32) *signalpb.SdkTrackMapping {
	t.Helper()
	for _, track := range ack.GetSuback().GetTracks() {
		if track.GetStreamId() == streamID {
			return track
		}
	}
	t.Fatalf("SUBSCRIBE_ACK has no track of stream %d: %v", streamID, ack.GetSuback().GetTracks())
	return nil
}

// sections returns the media sections of a kind.
func sections(text, kind string) (found []string) {
	for _, section := range strings.Split(text, "\r\nm=")[1:] {
		if strings.HasPrefix(section, kind) {
			found = append(found, section)
		}
	}
	return found
}

func TestVideo(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	camera := c[0].StartCamera('a')
	ack := c[0].Subscribe()
	if a := ack.GetSuback().GetAllocations(); len(a) != 1 || a[0].GetStreamId() == 0 || a[0].GetGroupId() == 0 {
		t.Fatalf("allocations: %v", a)
	}
	id := cameraOf(t, c[1], c[0])
	if allocated := ack.GetSuback().GetAllocations()[0].GetStreamId(); allocated != id {
		t.Errorf("the sender is told stream %d, the viewer %d", allocated, id)
	}

	ack = c[1].Subscribe(id)
	track := trackOf(t, ack, id)
	video := c[1].Video(track.GetSsrc())
	first := video.NextFrame()
	if !first.Key {
		t.Errorf("the video begins with frame %d, which is no key frame", first.Number)
	}
	last := first
	for range 20 {
		f := video.NextFrame()
		if f.Packet.SSRC != track.GetSsrc() || f.Packet.SequenceNumber != last.Packet.SequenceNumber+1 || f.Number != last.Number+1 ||
			f.Packet.Timestamp-last.Packet.Timestamp != 4500 {
			t.Fatalf("after frame %d (number %d, time %d) comes frame %d (number %d, time %d)", last.Number, last.Packet.SequenceNumber,
				last.Packet.Timestamp, f.Number, f.Packet.SequenceNumber, f.Packet.Timestamp)
		}
		last = f
	}

	pauseAndResume(t, c[1], camera, video, id)

	// Off: INDEX lists nothing any more, and its owner was never shown it.
	c[0].StopCamera()
	c[0].Subscribe()
	c[1].Until("INDEX without the camera", func(f *signalpb.SdkSignalFrame) bool {
		return f.GetIndex() != nil && len(f.GetIndex().GetSources()) == 0
	})
	c[0].Ping(9)
}

// pauseAndResume sends PAUSE and RESUME and looks at what arrives in between.
func pauseAndResume(t *testing.T, viewer *servertest.Client, camera *servertest.Camera, video *servertest.Stream, id uint32) {
	t.Helper()
	body := &signalpb.SdkPauseResumeFrame{StreamIds: []uint32{id, 4242}} // an id that is unknown has no effect
	viewer.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_PAUSE.Enum(), Pause: body})
	viewer.Ping(1) // PAUSE has been handled
	pausedAt := camera.Frames()
	waitFor(t, "ten frames while paused", func() bool { return camera.Frames() >= pausedAt+10 })
	viewer.Send(&signalpb.SdkSignalFrame{Type: signalpb.SdkSignalFrame_RESUME.Enum(), Pause: body})
	for {
		f := video.NextFrame()
		if f.Number <= pausedAt+1 {
			continue // on its way when the pause began
		}
		if f.Number < pausedAt+10 {
			t.Errorf("frame %d came through a pause that began after frame %d", f.Number, pausedAt)
		}
		if !f.Key {
			t.Errorf("the video goes on with frame %d, which is no key frame", f.Number)
		}
		return
	}
}

// waitFor polls a condition that other goroutines bring about.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(servertest.Patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen in %v", what, servertest.Patience)
		}
	}
}

// The sender's own camera is not in its index, whatever else changes.
func TestOwnCameraIsNotListed(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	for _, client := range c {
		client.StartCamera('a')
		client.Subscribe()
	}
	for i, client := range c {
		other := c[1-i]
		client.Until("an index with the other's camera", func(f *signalpb.SdkSignalFrame) bool {
			listed := false
			for _, s := range f.GetIndex().GetSources() {
				if s.GetAttendeeId() == client.Ticket.AttendeeID {
					t.Errorf("%s is shown its own camera", client.Ticket.AttendeeID)
				}
				listed = listed || s.GetAttendeeId() == other.Ticket.AttendeeID
			}
			return listed
		})
	}
}

// A switch keeps the section, its SSRC and its numbers, and begins with a key frame.
func TestRemoteVideoUpdateSwitchesTheStream(t *testing.T) {
	m := newMeeting(t, 3)
	c := m.enter(t)
	var ids []uint32
	for i, sender := range c[:2] {
		sender.StartCamera(byte(i))
		sender.Subscribe()
	}
	index := c[2].Until("two cameras", func(f *signalpb.SdkSignalFrame) bool { return len(f.GetIndex().GetSources()) == 2 })
	for _, s := range index.GetIndex().GetSources() {
		ids = append(ids, s.GetStreamId())
	}
	ack := c[2].Subscribe(ids[0])
	track := trackOf(t, ack, ids[0])
	mid := strings.TrimPrefix(track.GetTrackLabel(), "v_")
	video := c[2].Video(track.GetSsrc())
	last := video.NextFrame()
	c[2].Send(&signalpb.SdkSignalFrame{
		Type: signalpb.SdkSignalFrame_REMOTE_VIDEO_UPDATE.Enum(),
		RemoteVideoUpdate: &signalpb.SdkRemoteVideoUpdateFrame{
			AddedOrUpdatedVideoSubscriptions: []*signalpb.SdkVideoSubscriptionConfiguration{
				{Mid: proto.String("no such section"), StreamId: proto.Uint32(ids[1])},
				{Mid: proto.String(mid), StreamId: proto.Uint32(4242)},
				{Mid: proto.String(mid), StreamId: proto.Uint32(ids[1])},
			},
			RemovedVideoSubscriptionMids: []string{"neither here"},
		},
	})
	for range 200 {
		f := video.NextFrame()
		if f.Packet.SSRC != track.GetSsrc() || f.Packet.SequenceNumber != last.Packet.SequenceNumber+1 {
			t.Fatalf("SSRC %d number %d follows SSRC %d number %d", f.Packet.SSRC, f.Packet.SequenceNumber, last.Packet.SSRC, last.Packet.SequenceNumber)
		}
		if f.Label != last.Label {
			if !f.Key {
				t.Errorf("the other stream begins with frame %d, which is no key frame", f.Number)
			}
			return
		}
		last = f
	}
	t.Error("the stream was not switched")
}

func TestUnknownStreamsAreAnsweredInactive(t *testing.T) {
	m := newMeeting(t, 1)
	c := servertest.Enter(t, m.tickets[0], 1)
	ack := c.Subscribe(4242, 4243)
	videos := sections(ack.GetSuback().GetSdpAnswer(), "video")
	if ack.GetError() != nil || len(ack.GetSuback().GetTracks()) != 0 || len(videos) != 2 {
		t.Fatalf("answer: %v", ack)
	}
	for _, v := range videos {
		if !strings.Contains(v, "\r\na=inactive") {
			t.Errorf("the section of an unknown stream:\n%s", v)
		}
	}
	c.Audio().Next()
}
