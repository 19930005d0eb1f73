package rooms

import (
	"cmp"
	"slices"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/sdp"
)

// cameraStream is the encoded video stream that a participant sends: a camera or a shared screen.
type cameraStream struct {
	streamID, groupID uint32
	owner             *Participant
	config            forwarder.TrackConfig
	maxKbps           uint32
	track             *forwarder.UpTrack
}

// receivedVideo is one section on which a participant is sent video. The SSRCs stay for as long as the
// section is in use.
type receivedVideo struct {
	*forwarder.DownTrack
	ssrc, rtxSSRC uint32
}

// defaultMaxKbps stands in for a bitrate that the client does not declare.
const defaultMaxKbps = 1500

// setCameraLocked registers what p sends on the section, or brings it up to date. The stream keeps its id
// for as long as the camera is on, also when the browser starts a new encoding.
func (p *Participant) setCameraLocked(m *media, section *sdp.AnswerSection, s SendStream) {
	kbps := cmp.Or(s.MaxBitrateKbps, defaultMaxKbps)
	config := trackConfig(section)
	c := p.camera
	if c == nil {
		c = &cameraStream{streamID: p.room.hub.ids.allocate(), groupID: p.room.hub.ids.allocate(), owner: p}
		p.camera = c
		p.room.streams[c.streamID] = c
		p.room.indexDirty = true
	}
	if c.maxKbps != kbps {
		c.maxKbps = kbps
		p.room.indexDirty = true
	}
	if c.track != nil {
		if c.config.SSRC == config.SSRC && c.config.MID == config.MID {
			return
		}
		m.up.RemoveTrack(c.track)
	}
	c.config = config
	c.track = m.up.AddTrack(config)
	p.room.eachReceiverLocked(c.streamID, func(r *receivedVideo) { r.SetSource(c.track) })
}

// trackConfig is how to recognise and read the video that a section of the offer announces.
func trackConfig(section *sdp.AnswerSection) forwarder.TrackConfig {
	codecs := make(map[uint8]forwarder.Codec)
	for _, c := range section.Negotiated.Codecs {
		codecs[c.PayloadType] = forwarder.Codec{Name: c.Name, ClockRate: c.ClockRate}
		if c.RTXPayloadType != 0 {
			codecs[c.RTXPayloadType] = forwarder.Codec{Name: "rtx", ClockRate: c.ClockRate, APT: c.PayloadType}
		}
	}
	return forwarder.TrackConfig{SSRC: section.Offer.SSRC, RTXSSRC: section.Offer.RTXSSRC, MID: section.Offer.MID, Codecs: codecs}
}

func (p *Participant) dropCameraLocked() {
	if p.camera == nil {
		return
	}
	r := p.room
	delete(r.streams, p.camera.streamID)
	r.eachReceiverLocked(p.camera.streamID, func(v *receivedVideo) { v.SetSource(nil) })
	if m := p.media.Load(); m != nil {
		m.up.RemoveTrack(p.camera.track)
	}
	p.camera = nil
	r.indexDirty = true
}

// eachReceiverLocked calls f for every section that the stream is sent on.
func (r *Room) eachReceiverLocked(streamID uint32, f func(*receivedVideo)) {
	for _, q := range *r.members.Load() {
		for mid, id := range q.wanted {
			if v := q.received[mid]; id == streamID && v != nil {
				f(v)
			}
		}
	}
}

// receiveLocked returns what is sent on a section, making it the first time.
func (p *Participant) receiveLocked(m *media, section *sdp.AnswerSection) *receivedVideo {
	mid := section.Offer.MID
	if v := p.received[mid]; v != nil {
		return v
	}
	v := &receivedVideo{ssrc: newSSRC(), rtxSSRC: newSSRC()}
	types := make(map[string]forwarder.PTs)
	for _, c := range section.Negotiated.Codecs {
		types[c.Name] = forwarder.PTs{PT: c.PayloadType, RTX: c.RTXPayloadType}
	}
	v.DownTrack = forwarder.NewDownTrack(forwarder.DownConfig{
		Writer: m.conn, SSRC: v.ssrc, RTXSSRC: v.rtxSSRC, MID: mid, PayloadTypes: types, CNAME: cname,
		MIDExt:         section.Negotiated.Extensions[sdp.ExtensionMID],
		AbsSendTimeExt: section.Negotiated.Extensions[sdp.ExtensionAbsSendTime],
	})
	m.down.Add(v.DownTrack)
	p.received[mid] = v
	return v
}

func (p *Participant) dropReceivedLocked(mid string) {
	if m := p.media.Load(); m != nil {
		m.down.Remove(p.received[mid].DownTrack)
	}
	p.received[mid].Close()
	delete(p.received, mid)
	delete(p.wanted, mid)
}

// SwitchStream sends another stream on a section that is negotiated already. Unknown sections and streams
// are ignored.
func (p *Participant) SwitchStream(mid string, streamID uint32) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	v, stream := p.received[mid], p.room.streams[streamID]
	if v == nil || stream == nil || !p.mayReceiveLocked(stream) {
		return
	}
	p.wanted[mid] = streamID
	v.SetSource(stream.track)
}

// SetPaused stops or restarts the forwarding of streams to this participant. Unknown ids are ignored.
func (p *Participant) SetPaused(streamIDs []uint32, paused bool) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for mid, v := range p.received {
		if slices.Contains(streamIDs, p.wanted[mid]) {
			v.SetPaused(paused)
		}
	}
}

// indexLocked is the picture of the room's video for p: what it may receive, and nothing for a
// connection that only shares a screen.
func (r *Room) indexLocked(p *Participant) Index {
	full := r.camerasLocked() >= MaxCameras && p.camera == nil
	ix := Index{AtCapacity: full || !p.maySendVideoLocked(), Participants: r.people, Codecs: r.codecsLocked()}
	if p.content {
		return ix
	}
	for _, s := range r.streams {
		if !p.mayReceiveLocked(s) {
			continue
		}
		st := s.track.Stats()
		ix.Sources = append(ix.Sources, Source{
			StreamID: s.streamID, GroupID: s.groupID,
			AttendeeID: s.owner.member.AttendeeID, ExternalUserID: s.owner.member.ExternalUserID,
			MaxBitrateKbps: s.maxKbps, AverageBitrateBps: uint32(st.BitrateBps),
			FrameRate: uint32(st.FrameRate + 0.5), Width: uint32(st.Width), Height: uint32(st.Height),
		})
	}
	slices.SortFunc(ix.Sources, func(a, b Source) int { return cmp.Compare(a.StreamID, b.StreamID) })
	return ix
}

func (r *Room) camerasLocked() int {
	n := 0
	for _, s := range r.streams {
		if !s.owner.content {
			n++
		}
	}
	return n
}

// codecsLocked is the set of video codecs that every person in the room can decode.
func (r *Room) codecsLocked() []string {
	var common []string
	first := true
	for _, p := range *r.members.Load() {
		if p.content || p.codecs == nil {
			continue
		}
		if first {
			common, first = slices.Clone(p.codecs), false
			continue
		}
		common = slices.DeleteFunc(common, func(c string) bool { return !slices.Contains(p.codecs, c) })
	}
	return common
}
