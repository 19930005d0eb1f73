package rooms

import (
	"slices"
	"strings"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/sdp"
	"carillon/internal/media/transport"
)

// receivedVideo is one section on which a participant is sent video. The SSRCs stay for as long as the
// section is in use.
type receivedVideo struct {
	*forwarder.DownTrack
	ssrc, rtxSSRC uint32

	wanted *encoding // that the client asked for; nil = none
	shown  *encoding // of the same group, that is sent or will be with its next key frame

	wish         Wish  // what the client has said of it
	choice             // what the allocation has chosen; without an encoding, what is wanted is sent
	userPaused   bool  // by the client
	serverPaused bool  // by the allocation
	since        int64 // when the group was first shown here
	fitted       int64 // when there was last room for it
}

// show sends an encoding; nil sends nothing. Within a group the picture goes on until the other encoding
// has a key frame.
func (v *receivedVideo) show(e *encoding) {
	if e == nil || v.wanted == nil || v.wanted.group != e.group {
		v.since = transport.Now()
		v.pause(v.userPaused, false)
		v.setLayers(choice{spatial: allLayers, temporal: allLayers})
	}
	v.wanted = e
	if e == nil {
		v.shown = nil
		v.SetSource(nil)
		return
	}
	v.settle()
}

// settle sends what is chosen or wanted, or what stands in for it. On the way down the picture does not go on, as
// there is no room for it.
func (v *receivedVideo) settle() {
	g := v.wanted.group
	e := v.wanted
	if v.encoding != nil && slices.Contains(g.encodings, v.encoding) {
		e = v.encoding
	}
	e = g.standIn(e)
	switch {
	case e == v.shown:
		return
	case v.shown == nil || v.shown.group != g:
		v.SetSource(e.track)
	case v.shown.flowing && slices.Index(g.encodings, e) < slices.Index(g.encodings, v.shown):
		v.StepTo(e.track)
	default:
		v.SwitchTo(e.track)
	}
	v.shown = e
}

// choose sends a part of the group.
func (v *receivedVideo) choose(c choice) {
	if c != v.choice {
		v.setLayers(c)
		v.settle()
	}
}

func (v *receivedVideo) setLayers(c choice) {
	if c.spatial != v.spatial || c.temporal != v.temporal {
		v.SetLayers(c.spatial, c.temporal)
	}
	v.choice = c
}

// mayShow tells whether an encoding of the wanted group may be sent.
func (v *receivedVideo) mayShow(e *encoding, by Adaptation) bool {
	switch by {
	case AdaptAll:
		return true
	case AdaptLayers:
		g := e.group
		return slices.Index(g.encodings, e) <= slices.Index(g.encodings, v.wanted)
	}
	return e == v.shown
}

// pause stops the stream, or lets it go on if nobody wants it paused.
func (v *receivedVideo) pause(user, server bool) {
	v.userPaused, v.serverPaused = user, server
	v.SetPaused(user || server)
}

// receiveLocked returns what is sent on a section, making it the first time.
func (p *Participant) receiveLocked(m *media, section *sdp.AnswerSection, allowMixed bool) *receivedVideo {
	mid := section.Offer.MID
	if v := p.received[mid]; v != nil {
		return v
	}
	mid = strings.Clone(mid) // without the offer that it is a part of
	v := &receivedVideo{ssrc: newSSRC(), rtxSSRC: newSSRC(), choice: choice{spatial: allLayers, temporal: allLayers}}
	config := forwarder.DownConfig{
		SSRC: v.ssrc, RTXSSRC: v.rtxSSRC, MID: mid, PayloadTypes: payloadTypes(section), CNAME: cname,
		MIDExt:         section.Negotiated.Extensions[sdp.ExtensionMID],
		AbsSendTimeExt: section.Negotiated.Extensions[sdp.ExtensionAbsSendTime],
		TWCCExt:        section.Negotiated.Extensions[sdp.ExtensionTransportCC],
	}
	if allowMixed { // most descriptors fit the short form, those of key frames do not
		config.DependencyExt = section.Negotiated.Extensions[sdp.ExtensionDependency]
	}
	v.DownTrack = forwarder.NewDownTrack(config)
	m.down.Add(v.DownTrack)
	p.received[mid] = v
	return v
}

// payloadTypes is what a receiver calls the formats that it can decode.
func payloadTypes(section *sdp.AnswerSection) map[string]forwarder.PTs {
	types := make(map[string]forwarder.PTs)
	for _, c := range section.Negotiated.Codecs {
		types[string(c.Format)] = forwarder.PTs{PT: c.PayloadType, RTX: c.RTXPayloadType}
	}
	// A decoder of a profile decodes its constrained form.
	if high, ok := types[string(sdp.H264High)]; ok && types[string(sdp.H264ConstrainedHigh)].PT == 0 {
		types[string(sdp.H264ConstrainedHigh)] = high
	}
	return types
}

func (p *Participant) dropReceivedLocked(mid string) {
	if m := p.media.Load(); m != nil {
		m.down.Remove(p.received[mid].DownTrack)
	}
	p.received[mid].Close()
	delete(p.received, mid)
}

// SetPaused stops or restarts the forwarding of streams to this participant. Any stream of a group stands
// for the group. Unknown ids are ignored.
func (p *Participant) SetPaused(streamIDs []uint32, paused bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	named := make(map[*videoGroup]bool) // the list may be very long
	for _, id := range streamIDs {
		if e := p.room.streams[id]; e != nil {
			named[e.group] = true
		}
	}
	for _, v := range p.received {
		if v.wanted != nil && named[v.wanted.group] {
			v.pause(paused, v.serverPaused)
		}
	}
}
