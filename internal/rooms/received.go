package rooms

import (
	"carillon/internal/media/forwarder"
	"carillon/internal/media/sdp"
)

// receivedVideo is one section on which a participant is sent video. The SSRCs stay for as long as the
// section is in use.
type receivedVideo struct {
	*forwarder.DownTrack
	ssrc, rtxSSRC uint32

	wanted *encoding // that the client asked for; nil = none
	shown  *encoding // of the same group, that is sent or will be with its next key frame
}

// show sends an encoding; nil sends nothing. Within a group the picture goes on until the other encoding
// has a key frame.
func (v *receivedVideo) show(e *encoding) {
	v.wanted = e
	if e == nil {
		v.shown = nil
		v.SetSource(nil)
		return
	}
	v.settle()
}

// settle sends what is wanted, or what stands in for it.
func (v *receivedVideo) settle() {
	e := v.wanted.group.standIn(v.wanted)
	if e == v.shown {
		return
	}
	if v.shown != nil && v.shown.group == e.group {
		v.SwitchTo(e.track)
	} else {
		v.SetSource(e.track)
	}
	v.shown = e
}

// receiveLocked returns what is sent on a section, making it the first time.
func (p *Participant) receiveLocked(m *media, section *sdp.AnswerSection, allowMixed bool) *receivedVideo {
	mid := section.Offer.MID
	if v := p.received[mid]; v != nil {
		return v
	}
	v := &receivedVideo{ssrc: newSSRC(), rtxSSRC: newSSRC()}
	config := forwarder.DownConfig{
		Writer: m.conn, SSRC: v.ssrc, RTXSSRC: v.rtxSSRC, MID: mid, PayloadTypes: payloadTypes(section), CNAME: cname,
		MIDExt:         section.Negotiated.Extensions[sdp.ExtensionMID],
		AbsSendTimeExt: section.Negotiated.Extensions[sdp.ExtensionAbsSendTime],
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

// SwitchStream sends another stream on a section that is negotiated already. Unknown sections and streams
// are ignored.
func (p *Participant) SwitchStream(mid string, streamID uint32) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	v, e := p.received[mid], p.room.streams[streamID]
	if v == nil || e == nil || !p.mayReceiveLocked(e.group) {
		return
	}
	v.show(e)
}

// SetPaused stops or restarts the forwarding of streams to this participant. Any stream of a group stands
// for the group. Unknown ids are ignored.
func (p *Participant) SetPaused(streamIDs []uint32, paused bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for _, id := range streamIDs {
		e := p.room.streams[id]
		for _, v := range p.received {
			if e != nil && v.wanted != nil && v.wanted.group == e.group {
				v.SetPaused(paused)
			}
		}
	}
}
