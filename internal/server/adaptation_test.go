package server_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

const (
	lowLabel, highLabel = 'l', 'h'
	lowKbps, highKbps   = 200, 1000

	wide     = 3_000_000 // bit/s
	narrow   = 400_000
	tiny     = 100_000
	lineTime = 20 * time.Millisecond
)

// stage is a meeting in which the first sends simulcast, the second receives it over a line, and the third
// straight from the server.
type stage struct {
	*meeting
	ann, ben, cid *servertest.Client
	camera        *servertest.Simulcast
	line          *servertest.Line
	atBen, atCid  *servertest.Watch
	benSSRC       uint32
	cidSSRC       uint32
	group         uint32
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{meeting: newMeeting(t, 3)}
	s.line = servertest.NewLine(t, s.MediaAddr(), 1)
	s.line.Down(servertest.Shape{Rate: wide, Delay: lineTime})
	s.line.Up(servertest.Shape{Delay: lineTime})
	s.ann = servertest.EnterWith(t, s.tickets[0], 1, servertest.Options{Feedback: true})
	s.ben = servertest.EnterWith(t, s.tickets[1], 2, servertest.Options{Feedback: true, ServerSide: true, Line: s.line})
	s.cid = servertest.EnterWith(t, s.tickets[2], 3, servertest.Options{Feedback: true})
	s.camera = s.ann.StartSimulcast(servertest.Encoding{RID: "low", Label: lowLabel, Kbps: lowKbps}, servertest.Encoding{RID: "hi", Label: highLabel, Kbps: highKbps})
	allocations := s.ann.Subscribe().GetSuback().GetAllocations()
	if len(allocations) != 2 {
		t.Fatalf("allocations: %v", allocations)
	}
	s.group = allocations[0].GetGroupId()
	high := allocations[1].GetStreamId()
	for _, c := range []*servertest.Client{s.ben, s.cid} {
		c.Until("both encodings in INDEX", func(f *signalpb.SdkSignalFrame) bool { return len(f.GetIndex().GetSources()) == 2 })
	}
	s.benSSRC, s.atBen = watch(t, s.ben, high)
	s.cidSSRC, s.atCid = watch(t, s.cid, high)
	return s
}

// watch subscribes to a stream and notes what comes of it.
func watch(t *testing.T, c *servertest.Client, id uint32) (ssrc uint32, w *servertest.Watch) {
	t.Helper()
	ssrc = trackOf(t, c.Subscribe(id), id).GetSsrc()
	return ssrc, c.Video(ssrc).Watch()
}

// expect waits until an encoding is shown.
func expect(t *testing.T, w *servertest.Watch, label byte, within time.Duration) {
	t.Helper()
	start := time.Now()
	for w.Now().Label != label || time.Since(w.Now().Last) > time.Second {
		if time.Since(start) > within {
			t.Fatalf("%c is not shown within %v; shown: %+v", label, within, w.Since(start))
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("%c after %v", label, time.Since(start).Round(time.Millisecond))
}

// estimate waits for a BITRATES whose estimate is accepted.
func estimate(t *testing.T, c *servertest.Client, what string, accept func(kbps uint32) bool) {
	t.Helper()
	c.Until("an estimate "+what, func(f *signalpb.SdkSignalFrame) bool {
		if f.GetType() != signalpb.SdkSignalFrame_BITRATES {
			return false
		}
		kbps := f.GetBitrates().GetServerAvailableOutgoingBitrate()
		t.Logf("BITRATES says %d kbit/s", kbps)
		return accept(kbps)
	})
}

// untilPaused waits for the server's PAUSE or RESUME of the group.
func (s *stage) untilPaused(kind signalpb.SdkSignalFrame_Type) {
	s.ben.Until(kind.String(), func(f *signalpb.SdkSignalFrame) bool {
		ids := f.GetPause().GetGroupIds()
		return f.GetType() == kind && len(ids) == 1 && ids[0] == s.group
	})
}

// within is a time that is promised for a machine that keeps up. One that does not looks like a line with a queue.
func within(promised time.Duration) time.Duration {
	if raceDetector {
		return 2 * promised
	}
	return promised
}

func TestLayersFollowTheLine(t *testing.T) {
	s := newStage(t)
	if mode := s.ben.Ack.GetJoinack().GetDefaultServerSideNetworkAdaption(); mode != signalpb.SdkServerSideNetworkAdaption_BANDWIDTH_PROBING_AND_VIDEO_QUALITY_ADAPTION {
		t.Errorf("JOIN_ACK names the mode %v", mode)
	}
	if ack := s.cid.Ack.GetJoinack(); ack.DefaultServerSideNetworkAdaption != nil {
		t.Errorf("a client that cannot be adapted is told %v", ack.GetDefaultServerSideNetworkAdaption())
	}
	expect(t, s.atCid, highLabel, servertest.Patience)
	expect(t, s.atBen, highLabel, servertest.Patience)
	estimate(t, s.ben, "of a wide line", func(kbps uint32) bool { return kbps > highKbps })
	cut := time.Now()

	s.line.Down(servertest.Shape{Rate: narrow, Delay: lineTime})
	expect(t, s.atBen, lowLabel, within(3*time.Second))
	estimate(t, s.ben, "of a narrow line", func(kbps uint32) bool { return kbps > 0 && kbps <= narrow*11/10/1000 })
	if now := s.atBen.Now(); now.Label != lowLabel {
		t.Errorf("%c is shown on the narrow line", now.Label)
	}

	s.line.Down(servertest.Shape{Rate: wide, Delay: lineTime})
	expect(t, s.atBen, highLabel, within(10*time.Second))
	estimate(t, s.ben, "of a line that is wide again", func(kbps uint32) bool { return kbps > highKbps })

	s.line.Down(servertest.Shape{Rate: tiny, Delay: lineTime})
	s.untilPaused(signalpb.SdkSignalFrame_PAUSE)
	s.line.Down(servertest.Shape{Rate: wide, Delay: lineTime})
	s.untilPaused(signalpb.SdkSignalFrame_RESUME)
	expect(t, s.atBen, highLabel, within(10*time.Second))

	if spans := s.atCid.Since(cut); len(spans) != 1 || spans[0].Label != highLabel {
		t.Errorf("the other receiver is shown %+v", spans)
	}
}

// What the user has paused stays paused, whatever the line does.
func TestUserPauseIsNotResumed(t *testing.T) {
	s := newStage(t)
	expect(t, s.atBen, highLabel, servertest.Patience)
	var id uint32
	s.ben.Until("BITRATES", func(f *signalpb.SdkSignalFrame) bool {
		for _, b := range f.GetBitrates().GetBitrates() {
			id = b.GetSourceStreamId()
		}
		return id != 0
	})
	pause := func(kind signalpb.SdkSignalFrame_Type) {
		s.ben.Send(&signalpb.SdkSignalFrame{Type: kind.Enum(), Pause: &signalpb.SdkPauseResumeFrame{StreamIds: []uint32{id}}})
	}
	pause(signalpb.SdkSignalFrame_PAUSE)
	s.ben.Ping(1)
	waitFor(t, "silence", func() bool { return time.Since(s.atBen.Now().Last) > time.Second })
	s.line.Down(servertest.Shape{Rate: tiny, Delay: lineTime})
	estimate(t, s.ben, "while paused", func(uint32) bool { return true })
	s.line.Down(servertest.Shape{Rate: wide, Delay: lineTime})
	estimate(t, s.ben, "while paused", func(uint32) bool { return true })
	if since := time.Since(s.atBen.Now().Last); since < 2*time.Second {
		t.Errorf("video came %v ago", since)
	}
	pause(signalpb.SdkSignalFrame_RESUME)
	waitFor(t, "the video", func() bool { return time.Since(s.atBen.Now().Last) < time.Second })
}

// A client that switches encodings itself gets what it asks for.
func TestClientPicksTheEncoding(t *testing.T) {
	s := newStage(t)
	expect(t, s.atCid, highLabel, servertest.Patience)
	var ids []uint32
	s.cid.Until("BITRATES", func(f *signalpb.SdkSignalFrame) bool {
		for _, b := range f.GetBitrates().GetBitrates() {
			ids = append(ids, b.GetSourceStreamId())
		}
		return len(ids) == 2
	})
	mid := ""
	for _, track := range s.cid.Subscribe(max(ids[0], ids[1])).GetSuback().GetTracks() {
		mid = track.GetTrackLabel()[len("v_"):]
	}
	s.cid.Send(&signalpb.SdkSignalFrame{
		Type: signalpb.SdkSignalFrame_REMOTE_VIDEO_UPDATE.Enum(),
		RemoteVideoUpdate: &signalpb.SdkRemoteVideoUpdateFrame{AddedOrUpdatedVideoSubscriptions: []*signalpb.SdkVideoSubscriptionConfiguration{
			{Mid: proto.String(mid), StreamId: proto.Uint32(min(ids[0], ids[1]))},
		}},
	})
	expect(t, s.atCid, lowLabel, servertest.Patience)
}

// However often receivers ask for key frames, the sender is asked at most every 500 ms.
func TestKeyFrameStorm(t *testing.T) {
	s := newStage(t)
	expect(t, s.atBen, highLabel, servertest.Patience)
	expect(t, s.atCid, highLabel, servertest.Patience)
	start, before := time.Now(), s.camera.Requests(1)
	for time.Since(start) < 4*time.Second {
		s.ben.RequestKeyFrame(s.benSSRC)
		s.cid.RequestKeyFrame(s.cidSSRC)
		time.Sleep(5 * time.Millisecond)
	}
	asked := s.camera.Requests(1) - before
	if most := int64(time.Since(start)/(500*time.Millisecond)) + 2; asked == 0 || asked > most {
		t.Errorf("the sender was asked %d times, want at most %d", asked, most)
	}
}

// In a call of two the sender is told what its one receiver can take, and no longer when a third one comes.
func TestSenderIsToldTheLimitOfItsOneReceiver(t *testing.T) {
	m := newMeeting(t, 3)
	line := servertest.NewLine(t, m.MediaAddr(), 1)
	line.Down(servertest.Shape{Rate: narrow, Delay: lineTime})
	ann := servertest.EnterWith(t, m.tickets[0], 1, servertest.Options{Feedback: true})
	ben := servertest.EnterWith(t, m.tickets[1], 2, servertest.Options{Feedback: true, ServerSide: true, Line: line})
	camera := ann.StartSimulcast(servertest.Encoding{RID: "mid", Label: highLabel, Kbps: highKbps})
	id := ann.Subscribe().GetSuback().GetAllocations()[0].GetStreamId()
	ben.Until("the camera", func(f *signalpb.SdkSignalFrame) bool { return len(f.GetIndex().GetSources()) == 1 })
	watch(t, ben, id)
	waitFor(t, "a limit below the line", func() bool { return camera.Limit() > 0 && camera.Limit() < narrow*11/10 })
	servertest.Enter(t, m.tickets[2], 3)
	waitFor(t, "no limit", func() bool { return camera.Limit() > 100_000_000 })
}
