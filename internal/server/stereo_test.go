package server_test

import (
	"strings"
	"testing"

	"carillon/internal/media/opus"
	"carillon/internal/server/servertest"
)

// Music from a shared tab is heard in stereo by those whose offer asks for it, and as one channel by the others, also by
// those who share a mix with somebody who talks.
func TestSharedMusicInStereo(t *testing.T) {
	m := newMeeting(t, 4)
	owner, mono := servertest.Enter(t, m.tickets[0], 1), servertest.Enter(t, m.tickets[1], 2)
	stereo, talker := servertest.EnterInStereo(t, m.tickets[2], 3), servertest.Enter(t, m.tickets[3], 4)
	content := servertest.EnterInStereo(t, m.tickets[0].Content(), 77)
	content.SpeakStereo(440, 2000)
	hears(t, "stereo, left", stereo.StereoEar(0), map[int]bool{440: true, 2000: false})
	hears(t, "stereo, right", stereo.StereoEar(1), map[int]bool{440: false, 2000: true})
	hears(t, "mono", mono.Ear(), map[int]bool{440: true, 2000: true})
	hears(t, "the owner", owner.Ear(), map[int]bool{440: false, 2000: false})

	talker.Speak(1000)
	for _, c := range []*servertest.Client{stereo, mono, talker} {
		c.Audio().Skip()
	}
	hears(t, "stereo, left, with a talker", stereo.StereoEar(0), map[int]bool{440: true, 2000: false, 1000: true})
	hears(t, "stereo, right, with a talker", stereo.StereoEar(1), map[int]bool{440: false, 2000: true, 1000: true})
	hears(t, "the talker", talker.Ear(), map[int]bool{440: true, 2000: true, 1000: false})

	for who, c := range map[string]struct {
		stream *servertest.Stream
		stereo bool
	}{"stereo": {stereo.Audio(), true}, "mono": {mono.Audio(), false}, "the talker": {talker.Audio(), false}} {
		c.stream.Skip()
		for range 50 {
			if p := c.stream.Next(); opus.Stereo(p.Payload) != c.stereo {
				t.Fatalf("%s gets a packet that begins with %x", who, p.Payload[0])
			}
		}
	}
}

func TestAnswerToAStereoOffer(t *testing.T) {
	m := newMeeting(t, 2)
	for session, c := range []struct {
		enter func(testing.TB, servertest.Ticket, uint64) *servertest.Client
		want  string
	}{
		{servertest.EnterInStereo, "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=128000;sprop-stereo=1\r\n"},
		{servertest.Enter, "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n"},
	} {
		ack := c.enter(t, m.tickets[session], uint64(session+1)).Subscribe()
		if audio := sections(ack.GetSuback().GetSdpAnswer(), "audio"); len(audio) != 1 || !strings.Contains(audio[0], c.want) {
			t.Errorf("want %q in the answer:\n%s", c.want, audio)
		}
	}
}
