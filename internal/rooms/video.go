package rooms

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/sdp"
	"carillon/internal/media/transport"
)

// videoGroup is what one camera or shared screen sends: one encoding, or several of the same picture with
// simulcast. The layers of an encoding, each with what is measured of it, are in track.Stats().Layers; a
// receivedVideo can be sent any of them (show, SetLayers).
type videoGroup struct {
	id        uint32
	owner     *Participant
	encodings []*encoding // in the client's order, the smallest first

	stalled     bool  // the camera is on and nothing comes
	takesLimits bool  // the sender follows REMB
	limit       int64 // bit/s that it is told, 0 = none
}

// encoding is one stream of a group. It keeps its id for as long as the camera is on, also while it is not
// sent and when the browser begins a new one in its place.
type encoding struct {
	streamID uint32
	group    *videoGroup
	rid      string // "" = no simulcast
	config   forwarder.TrackConfig
	track    *forwarder.UpTrack
	maxKbps  uint32 // 0 = the client does not send it at present
	enabled  int64  // since when maxKbps is not 0, ns of transport.Now

	flowing       bool // packets arrive
	listed        bool // the index shows it
	width, height int  // that the index shows
}

// defaultMaxKbps stands in for a bitrate that the client does not declare.
const defaultMaxKbps = 1500

// setCameraLocked registers what p sends on the section, or brings it up to date. It returns the encodings in
// the client's order.
func (p *Participant) setCameraLocked(m *media, section *sdp.AnswerSection, sends []SendStream) []*encoding {
	if p.camera == nil {
		p.camera = &videoGroup{id: p.room.hub.ids.allocate(), owner: p}
		p.reportLocked(VideoStarted)
	}
	g := p.camera
	g.takesLimits = slices.ContainsFunc(section.Negotiated.Codecs, func(c sdp.Codec) bool { return slices.Contains(c.Feedback, sdp.FeedbackREMB) })
	rids := section.Offer.RIDs
	if len(rids) == 0 {
		rids = []string{""}
	}
	for i, rid := range rids {
		rid = strings.Clone(rid)
		kbps := uint32(defaultMaxKbps)
		if i < len(sends) {
			kbps = sends[i].MaxBitrateKbps
		}
		if rid == "" {
			kbps = cmp.Or(kbps, defaultMaxKbps)
		}
		g.setEncodingLocked(m, rid, trackConfig(section, rid), kbps)
	}
	for _, e := range slices.Clone(g.encodings) {
		if !slices.Contains(rids, e.rid) {
			g.dropEncodingLocked(e)
		}
	}
	slices.SortStableFunc(g.encodings, func(a, b *encoding) int {
		return cmp.Compare(slices.Index(rids, a.rid), slices.Index(rids, b.rid))
	})
	g.refreshLocked(transport.Now())
	return g.encodings
}

// setEncodingLocked adds an encoding or brings it up to date.
func (g *videoGroup) setEncodingLocked(m *media, rid string, config forwarder.TrackConfig, kbps uint32) {
	r := g.owner.room
	i := slices.IndexFunc(g.encodings, func(e *encoding) bool { return e.rid == rid })
	if i < 0 {
		i = len(g.encodings)
		g.encodings = append(g.encodings, &encoding{streamID: r.hub.ids.allocate(), group: g, rid: rid})
		r.streams[g.encodings[i].streamID] = g.encodings[i]
	}
	e := g.encodings[i]
	if e.maxKbps != kbps {
		if e.maxKbps == 0 {
			e.enabled = transport.Now()
		}
		e.maxKbps = kbps
		r.indexDirty = true
	}
	if e.track != nil {
		if e.config.SSRC == config.SSRC && e.config.MID == config.MID && maps.Equal(e.config.Codecs, config.Codecs) {
			return
		}
		m.up.RemoveTrack(e.track)
	}
	e.config, e.track = config, m.up.AddTrack(config)
	g.eachReceiverLocked(func(v *receivedVideo) {
		if v.shown == e {
			v.SetSource(e.track)
		}
	})
}

// trackConfig is how to recognise and read an encoding that a section of the offer announces.
func trackConfig(section *sdp.AnswerSection, rid string) forwarder.TrackConfig {
	codecs := make(map[uint8]forwarder.Codec)
	for _, c := range section.Negotiated.Formats() {
		codecs[c.PayloadType] = forwarder.Codec{Name: c.Name, Format: string(c.Format), ClockRate: c.ClockRate}
		if c.RTXPayloadType != 0 {
			codecs[c.RTXPayloadType] = forwarder.Codec{Name: forwarder.RTX, ClockRate: c.ClockRate, APT: c.PayloadType}
		}
	}
	config := forwarder.TrackConfig{MID: strings.Clone(section.Offer.MID), RID: rid, Codecs: codecs}
	if rid == "" {
		config.SSRC, config.RTXSSRC = section.Offer.SSRC, section.Offer.RTXSSRC
	}
	return config
}

func (p *Participant) dropCameraLocked() {
	if p.camera == nil {
		return
	}
	for _, e := range slices.Clone(p.camera.encodings) {
		p.camera.dropEncodingLocked(e)
	}
	p.camera = nil
	p.reportLocked(VideoStopped)
}

// dropEncodingLocked removes an encoding. Whoever is sent it gets another of the group.
func (g *videoGroup) dropEncodingLocked(e *encoding) {
	r := g.owner.room
	delete(r.streams, e.streamID)
	g.encodings = slices.DeleteFunc(g.encodings, func(o *encoding) bool { return o == e })
	g.eachReceiverLocked(func(v *receivedVideo) {
		switch {
		case len(g.encodings) == 0:
			v.show(nil)
		case v.wanted == e:
			v.show(g.encodings[len(g.encodings)-1])
		case v.shown == e:
			v.settle()
		}
	})
	if m := g.owner.media.Load(); m != nil {
		m.up.RemoveTrack(e.track)
	}
	r.indexDirty = true
}

// eachReceiverLocked calls f for every section that the group is sent on.
func (g *videoGroup) eachReceiverLocked(f func(*receivedVideo)) {
	for _, q := range *g.owner.room.members.Load() {
		for _, v := range q.received {
			if v.wanted != nil && v.wanted.group == g {
				f(v)
			}
		}
	}
}

// How long an encoding may send nothing, while others of its group do, before it counts as stopped: four
// frames, within bounds. One that never sent anything is waited for a little longer.
const (
	shortestSilence = 500 * time.Millisecond
	longestSilence  = 2 * time.Second
	silentFrames    = 4
	startPatience   = 3 * time.Second

	// stallPatience is how long a camera may send nothing at all before its viewers are told. Of a screen on which nothing
	// moves browsers send a picture a second.
	stallPatience = 3 * time.Second
)

// refreshLocked notes which encodings are sent at present. Receivers of one that has stopped are moved to
// another and back when it returns: a browser stops its upper encodings when its network gets worse, and
// tells nobody.
func (g *videoGroup) refreshLocked(now int64) {
	var newest int64
	for _, e := range g.encodings {
		newest = max(newest, e.track.Stats().LastPacket)
	}
	g.noticeStallLocked(newest, now)
	last := g.lastListed(newest, now)
	changed := false
	for _, e := range g.encodings {
		s := e.track.Stats()
		flowing := e.flows(s, newest)
		list := flowing || e.expected(s, now) || e == last
		sized := e.rid != "" && (e.width != s.Width || e.height != s.Height)
		if list != e.listed || sized && list {
			g.owner.room.indexDirty = true
		}
		changed = changed || flowing != e.flowing
		e.flowing, e.listed, e.width, e.height = flowing, list, s.Width, s.Height
	}
	if changed {
		g.eachReceiverLocked((*receivedVideo).settle)
	}
}

// noticeStallLocked notes whether what viewers see stands still because nothing comes from its sender; newest is when the
// last packet came.
func (g *videoGroup) noticeStallLocked(newest, now int64) {
	since, meant := newest, false
	for _, e := range g.encodings {
		if e.maxKbps > 0 {
			since, meant = max(since, e.enabled), true
		}
	}
	stalled := meant && newest != 0 && now-since > int64(stallPatience)
	if stalled != g.stalled {
		g.stalled, g.owner.room.indexDirty = stalled, true
	}
}

// flows tells whether the encoding is being sent; newest is when the last packet of its group came.
func (e *encoding) flows(s forwarder.Stats, newest int64) bool {
	return e.maxKbps > 0 && s.LastPacket != 0 && newest-s.LastPacket < silence(s.FrameRate)
}

// expected tells whether the encoding counts as sent although nothing has come yet, or does for good.
func (e *encoding) expected(s forwarder.Stats, now int64) bool {
	return e.rid == "" || e.maxKbps > 0 && s.LastPacket == 0 && now-e.enabled < int64(startPatience)
}

// lastListed is the encoding that stays in the index although none is sent, so that the tile stays; nil while one is.
func (g *videoGroup) lastListed(newest, now int64) (last *encoding) {
	for _, e := range g.encodings {
		if s := e.track.Stats(); e.flows(s, newest) || e.expected(s, now) {
			return nil
		}
		if last == nil || e.listed && !last.listed || e.listed == last.listed && e.maxKbps > last.maxKbps {
			last = e
		}
	}
	return last
}

// silence is how long, in ns, a stream of that frame rate may pause.
func silence(frameRate float64) int64 {
	if frameRate <= 0 {
		return int64(longestSilence)
	}
	pause := time.Duration(silentFrames / frameRate * float64(time.Second))
	return int64(min(max(pause, shortestSilence), longestSilence))
}

// standIn is what is sent in place of e: e itself if it can be, else the next smaller encoding that is
// sent, else the next larger one.
func (g *videoGroup) standIn(e *encoding) *encoding {
	at := slices.Index(g.encodings, e)
	if at < 0 || e.flowing {
		return e
	}
	for i := at - 1; i >= 0; i-- {
		if g.encodings[i].flowing {
			return g.encodings[i]
		}
	}
	for _, o := range g.encodings[at:] {
		if o.flowing {
			return o
		}
	}
	return e
}
