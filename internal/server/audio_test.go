package server_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/server/servertest"
	"carillon/internal/signaling/signalpb"
)

// Amplitudes of decoded tones: what is sent arrives at about 0.3; what is not in the mix is far below.
const (
	audible   = 0.1
	inaudible = 0.01
)

// hears waits until exactly the tones that are marked true can be heard, and they alone for a whole second:
// joining, encoders and jitter queues take their time.
func hears(t *testing.T, who string, ear *servertest.Ear, want map[int]bool) {
	t.Helper()
	var tones []int
	for hz := range want {
		tones = append(tones, hz)
	}
	right := 0
	var last []float64
	for deadline := time.Now().Add(servertest.Patience); right < 5; {
		if time.Now().After(deadline) {
			t.Fatalf("%s hears %v at %.3f, want %v", who, tones, last, want)
		}
		last = ear.Listen(tones...)
		right++
		for i, hz := range tones {
			if want[hz] && last[i] < audible || !want[hz] && last[i] > inaudible {
				right = 0
			}
		}
	}
}

// Clients count packets against 50 a second, whether anybody talks or not.
func TestSilenceIsFiftyPacketsASecond(t *testing.T) {
	m := newMeeting(t, 1)
	stream := servertest.Enter(t, m.tickets[0], 1).Audio()
	stream.Skip() // what has piled up meanwhile takes no time to read
	first := stream.Next()
	start := time.Now()
	const packets = 100
	for i := uint32(1); i <= packets; i++ {
		p := stream.Next()
		if p.SSRC != first.SSRC || p.SequenceNumber != first.SequenceNumber+uint16(i) || p.Timestamp != first.Timestamp+960*i {
			t.Fatalf("packet %d: SSRC %d number %d time %d, after SSRC %d number %d time %d",
				i, p.SSRC, p.SequenceNumber, p.Timestamp, first.SSRC, first.SequenceNumber, first.Timestamp)
		}
	}
	if took := time.Since(start); took < time.Second || took > 4*time.Second {
		t.Errorf("%d packets took %v, want 2 s", packets, took)
	}
}

func TestTalkersHearOthersAndNotThemselves(t *testing.T) {
	m := newMeeting(t, 3)
	c := m.enter(t)
	c[0].Speak(440)
	c[1].Speak(1000)
	ears := []*servertest.Ear{c[0].Ear(), c[1].Ear(), c[2].Ear()}
	hears(t, "the first talker", ears[0], map[int]bool{440: false, 1000: true})
	hears(t, "the second talker", ears[1], map[int]bool{440: true, 1000: false})
	hears(t, "the listener", ears[2], map[int]bool{440: true, 1000: true})

	// A muted microphone goes on sending, but nobody hears it.
	c[0].Mute(true)
	c[0].Ping(1)
	c[2].Audio().Skip()
	hears(t, "the listener of a muted talker", ears[2], map[int]bool{440: false, 1000: true})
	c[0].Mute(false)
	hears(t, "the listener afterwards", ears[2], map[int]bool{440: true, 1000: true})
}

func TestVolumes(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	loudOf := func(f *signalpb.SdkSignalFrame, id uint32) (attenuation uint32, listed bool) {
		for _, s := range f.GetAudioMetadata().GetAttendeeStates() {
			if s.GetAudioStreamId() == id && s.Volume != nil {
				return s.GetVolume(), true
			}
		}
		return 0, false
	}
	c[0].Speak(440)
	f := c[1].Until("a volume of the talker", func(f *signalpb.SdkSignalFrame) bool {
		volume, listed := loudOf(f, c[0].AudioID)
		return listed && volume < 42 // what clients show as silence
	})
	if _, listed := loudOf(f, c[1].AudioID); listed {
		t.Error("somebody who is silent is listed")
	}
	c[0].Speak(0)
	c[1].Until("silence", func(f *signalpb.SdkSignalFrame) bool {
		volume, listed := loudOf(f, 0)
		return listed && volume == 127 && len(f.GetAudioMetadata().GetAttendeeStates()) == 1
	})
}

// A shared screen is a connection of its own. Its sound is for the others.
func TestContentIsNotMixedBackToItsOwner(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	content := servertest.Enter(t, m.tickets[0].Content(), 77)
	for who, main := range map[string]*servertest.Client{"the owner": c[0], "the other": c[1]} {
		e := main.UntilRoster("the content attendee", entryOf(content.AudioID))
		if e.GetAttendeeId() != m.tickets[0].AttendeeID+"#content" || e.GetExternalUserId() != m.tickets[0].ExternalUserID || e.Muted == nil {
			t.Errorf("%s sees %v", who, e)
		}
	}
	content.Speak(2000)
	c[1].Speak(1000)
	hears(t, "the other", c[1].Ear(), map[int]bool{2000: true, 1000: false})
	hears(t, "the owner", c[0].Ear(), map[int]bool{2000: false, 1000: true})

	// It stays that way when the owner's main connection is replaced.
	c[0].Cut()
	again := servertest.Enter(t, m.tickets[0], 1)
	hears(t, "the owner after a reconnect", again.Ear(), map[int]bool{2000: false, 1000: true})
}

func TestSessionWithoutAudio(t *testing.T) {
	m := newMeeting(t, 2)
	talker := servertest.Enter(t, m.tickets[0], 1)
	viewer := servertest.ArriveWithoutAudio(t, m.tickets[1], 2)
	talker.StartCamera('a')
	talker.Subscribe()
	id := cameraOf(t, viewer, talker)
	ack := viewer.Subscribe(id)
	if text := ack.GetSuback().GetSdpAnswer(); len(sections(text, "audio")) != 0 || len(sections(text, "video")) != 1 {
		t.Errorf("the answer to an offer with one video:\n%s", text)
	}
	if f := viewer.Video(trackOf(t, ack, id).GetSsrc()).NextFrame(); !f.Key {
		t.Errorf("the video begins with frame %d, which is no key frame", f.Number)
	}
}

// A client that puts RED first is answered with RED first. What it sends is restored from the copies, and when it
// reports loss, what it receives carries copies too; without loss it gets plain Opus.
func TestRedundantAudio(t *testing.T) {
	m := newMeeting(t, 2)
	other := servertest.Enter(t, m.tickets[0], 1)
	c := servertest.ArriveWithRED(t, m.tickets[1], 2)
	c.SendSubscribe()
	ack := c.TakeAnswer()
	if audio := sections(ack.GetSuback().GetSdpAnswer(), "audio"); len(audio) != 1 || !strings.HasPrefix(audio[0], "audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n") {
		t.Fatalf("the answer:\n%s", audio)
	}
	c.Speak(440)
	hears(t, "the other", other.Ear(), map[int]bool{440: true})

	stream := c.Audio()
	if p := stream.Next(); p.PayloadType != 111 {
		t.Errorf("payload type %d without loss", p.PayloadType)
	}
	other.Speak(1000)
	for _, step := range []struct {
		loss   float64
		copies int
	}{{0.05, 1}, {0.2, 2}, {0, 0}} {
		var last [][]byte // primaries, newest first
		reached := 0
		for deadline := time.Now().Add(servertest.Patience); reached < 20; {
			if time.Now().After(deadline) {
				t.Fatalf("loss of %v does not lead to %d copies", step.loss, step.copies)
			}
			c.ReportLoss(stream, step.loss)
			p := stream.Next()
			red := mediartp.RED{Primary: p.Payload}
			if p.PayloadType == 63 && !red.Parse(p.Payload) {
				t.Fatalf("broken RED: %x", p.Payload)
			}
			if red.Redundant == step.copies {
				reached++
			}
			for i, b := range red.Blocks[:red.Redundant] {
				back := red.Redundant - i
				if int(b.Back) != 960*back || back <= len(last) && !bytes.Equal(b.Payload, last[back-1]) {
					t.Fatalf("copy %d of %d is not the packet before", i, red.Redundant)
				}
			}
			last = append([][]byte{red.Primary}, last...)
			if len(last) > 2 {
				last = last[:2]
			}
		}
	}
}

// The others see whose connection is bad, and that it is good again.
func TestSignalStrength(t *testing.T) {
	m := newMeeting(t, 2)
	c := m.enter(t)
	strength := func(id, want uint32) func(*signalpb.SdkSignalFrame) bool {
		return func(f *signalpb.SdkSignalFrame) bool {
			for _, s := range f.GetAudioMetadata().GetAttendeeStates() {
				if s.GetAudioStreamId() == id && s.SignalStrength != nil && s.Volume == nil {
					return s.GetSignalStrength() == want
				}
			}
			return false
		}
	}
	stream := c[0].Audio()
	stream.Next() // connected
	c[0].ReportLoss(stream, 0.2)
	c[1].Until("a weak signal", strength(c[0].AudioID, 1))
	c[0].Until("its own weak signal", strength(c[0].AudioID, 1))
	for range 10 {
		c[0].ReportLoss(stream, 0)
	}
	c[1].Until("a good picture", func(f *signalpb.SdkSignalFrame) bool {
		return strength(c[0].AudioID, 2)(f) || strength(c[1].AudioID, 2)(f)
	})
	c[0].Cut()
	c[1].Until("no signal", strength(c[0].AudioID, 0))
}
