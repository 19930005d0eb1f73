package servers

import (
	"time"

	"carillon/test/load/lean"
	"carillon/test/load/sound"
)

// member is what all members have in common.
type member struct {
	send, receive *lean.Conn
	flows         []*lean.Flow
}

func (m *member) Receives() *lean.Conn { return m.receive }
func (m *member) Flows() []*lean.Flow  { return m.flows }

func (m *member) Close() {
	for _, c := range []*lean.Conn{m.send, m.receive} {
		if c != nil {
			c.Close()
		}
	}
}

// The video that everybody sends.
const (
	cameraBps    = 1_200_000
	cameraWidth  = 1280
	cameraHeight = 720
)

// layer is one size of a simulcast camera.
type layer struct {
	rid           string
	bps           int
	width, height int
}

// layers sum up to somewhat more than one camera, as browsers send them.
func layers() []layer {
	return []layer{{"low", 120_000, 320, 180}, {"mid", 400_000, 640, 360}, {"hi", cameraBps, cameraWidth, cameraHeight}}
}

// addCamera sends video, spread over the frame period so that not everybody sends at once.
func (m *member) addCamera(ssrc, rtx uint32, pt, transportExt uint8, phase time.Duration) {
	m.flows = append(m.flows, m.send.AddFlow(lean.FlowConfig{
		SSRC: ssrc, RTXSSRC: rtx, PT: pt, TransportExt: transportExt, BitrateBps: cameraBps,
		Width: cameraWidth, Height: cameraHeight, Phase: phase,
	}))
}

// addLayers sends a camera in several sizes, which are told apart by their SSRCs, or by names where ids for those are
// given.
func (m *member) addLayers(ssrcs []uint32, pt, transportExt, midExt, ridExt uint8, mid string, phase time.Duration) {
	for i, l := range layers() {
		m.flows = append(m.flows, m.send.AddFlow(lean.FlowConfig{
			SSRC: ssrcs[i], PT: pt, TransportExt: transportExt, BitrateBps: l.bps, Width: l.width, Height: l.height, Phase: phase,
			MIDExt: midExt, MID: mid, RIDExt: ridExt, RID: l.rid,
		}))
	}
}

// addVoice sends speech or silence; of that only what is sent with DTX, if the server has asked for it. Everybody who talks says the same at the same time, so that pauses are pauses of the mix.
func (m *member) addVoice(ssrc uint32, pt, levelExt uint8, v Voice, opaque, dtx bool) {
	say := sound.Silence()
	if v == Talking {
		say = sound.Speech()
	}
	m.flows = append(m.flows, m.send.AddFlow(lean.FlowConfig{
		SSRC: ssrc, PT: pt, Audio: true, LevelExt: levelExt, Sound: say, Stamp: opaque, DTX: dtx,
		Phase: time.Duration(len(m.flows)) * time.Millisecond,
	}))
}

// phaseOf spreads the n-th camera over the time between two frames.
func phaseOf(n int) time.Duration { return time.Duration(n*7919%33) * time.Millisecond }

// accept answers all sections of an offer of the server, and counts what it sends.
func accept(d *lean.Description) (sections []lean.Section, cameras, voices int) {
	for _, s := range d.Sections {
		answer := lean.Section{Kind: s.Kind, MID: s.MID, Direction: "recvonly", Protocol: s.Protocol}
		switch {
		case s.Kind == "application":
		case s.Direction != "sendonly" && s.Direction != "sendrecv":
			answer.Direction = "inactive"
		case s.Kind == "video":
			cameras++
		default:
			voices++
		}
		if s.Kind == "video" {
			answer.VideoPT, answer.RTXPT = s.PT, s.RTXPT
		} else {
			answer.AudioPT, answer.LevelExt = s.PT, s.Extensions[lean.LevelURI]
		}
		sections = append(sections, answer)
	}
	return sections, cameras, voices
}
