package forwarder

import (
	"log/slog"
	"sync"

	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// UpstreamConfig is what an Upstream needs to know of its connection.
type UpstreamConfig struct {
	Writer    Writer       // takes the feedback to the sender
	MediaSSRC uint32       // our own SSRC in that feedback
	MIDExt    uint8        // id of the MID header extension (RFC 9143), 0 = none
	TWCCExt   uint8        // id of the transport-wide sequence number extension, 0 = none
	Logger    *slog.Logger // nil = silent

	// Ids of the header extensions by which the encodings of simulcast are told apart (RFC 8852), and of
	// the dependency descriptor (AV1 RTP specification, appendix A); 0 = none.
	RIDExt, RepairedRIDExt, DependencyExt uint8
}

// Upstream takes in what one connection sends: it finds the track of a packet by SSRC or MID, undoes RTX,
// asks for lost packets and key frames, and reports reception.
type Upstream struct {
	cfg UpstreamConfig
	log *slog.Logger

	mu       sync.Mutex
	tracks   []*UpTrack
	routes   map[uint32]route // by SSRC
	former   map[origin]ssrcs // of tracks that have been removed
	twcc     mediartp.TWCC
	twccSSRC uint32 // SSRC of the last packet that was recorded
	audio    audioReception
	sent     struct{ feedback, reports int64 } // when they were sent last
	limit    limit
	seqs     []uint16 // scratch
	buf      []byte   // scratch
}

// route says where the packets of an SSRC go.
type route struct {
	track *UpTrack
	rtx   bool
}

// origin is what a track is known by when its SSRCs are not in the session description.
type origin struct{ mid, rid string }

type ssrcs struct{ media, rtx uint32 }

// maxFormer bounds the origins that a client can make us remember.
const maxFormer = 64

// audioReception counts the audio stream, so that its sender gets receiver reports too.
type audioReception struct {
	ssrc  uint32
	stats mediartp.Reception
}

const opusClockRate = 48_000 // RFC 7587 section 4.1

// NewUpstream makes an Upstream without tracks.
func NewUpstream(cfg UpstreamConfig) *Upstream {
	return &Upstream{cfg: cfg, log: logger(cfg.Logger), routes: make(map[uint32]route), former: make(map[origin]ssrcs)}
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

// SetExtensions takes over the ids of the header extensions in a configuration: a later description may know more
// of them.
func (u *Upstream) SetExtensions(cfg UpstreamConfig) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cfg.MIDExt, u.cfg.TWCCExt, u.cfg.RIDExt = cfg.MIDExt, cfg.TWCCExt, cfg.RIDExt
	u.cfg.RepairedRIDExt, u.cfg.DependencyExt = cfg.RepairedRIDExt, cfg.DependencyExt
}

// AddTrack begins to accept a video stream. Its SSRCs may be 0 when only the MID is known.
func (u *Upstream) AddTrack(cfg TrackConfig) *UpTrack {
	t := newUpTrack(cfg)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tracks = append(u.tracks, t)
	u.bindLocked(cfg.SSRC, route{track: t})
	u.bindLocked(cfg.RTXSSRC, route{track: t, rtx: true})
	u.recallLocked(t)
	u.log.Debug("video track added", "mid", cfg.MID, "ssrc", cfg.SSRC)
	return t
}

// recallLocked binds the SSRCs that a track of this origin had before. A browser that sends a camera again goes on with
// them, and does not say again which encoding they are, once it knows that we have heard it.
func (u *Upstream) recallLocked(t *UpTrack) {
	known, ok := u.former[origin{t.cfg.MID, t.cfg.RID}]
	if !ok || t.cfg.SSRC != 0 {
		return
	}
	if _, taken := u.routes[known.media]; !taken {
		u.bindLocked(known.media, route{track: t})
	}
	if _, taken := u.routes[known.rtx]; !taken {
		u.bindLocked(known.rtx, route{track: t, rtx: true})
	}
}

// RemoveTrack ends a track: its packets are no longer accepted and its DownTracks get nothing more from it.
func (u *Upstream) RemoveTrack(t *UpTrack) {
	u.mu.Lock()
	for i := range u.tracks {
		if u.tracks[i] == t {
			u.tracks = append(u.tracks[:i:i], u.tracks[i+1:]...)
			break
		}
	}
	if len(u.former) >= maxFormer {
		clear(u.former)
	}
	if t.cfg.SSRC == 0 && t.ssrc != 0 {
		u.former[origin{t.cfg.MID, t.cfg.RID}] = ssrcs{media: t.ssrc, rtx: t.rtxSSRC}
	}
	for ssrc, r := range u.routes {
		if r.track == t {
			delete(u.routes, ssrc)
		}
	}
	parity, restored := t.protection.parity, t.protection.restored
	u.mu.Unlock()
	t.close()
	u.log.Debug("video track removed", "mid", t.cfg.MID, "parity", parity, "restored", restored)
}

// HandleRTP takes a packet in. It is false, and nothing has been done, when the packet belongs to none of
// the video tracks.
func (u *Upstream) HandleRTP(b *transport.Batch, h *rtp.Header, payload []byte, arrival int64) (isVideo bool) {
	var p packet
	track, ok := u.takeIn(b, &p, h, payload, arrival)
	if ok {
		track.forward(b, &p)
	}
	if p.restores {
		u.forwardRestored(b, track, arrival)
	}
	return track != nil
}

// takeIn finds the track of a packet, nil if there is none, and describes the packet in p, which is zero, if it is to
// be sent on. The unlocking is deferred because a panic is recovered above, and the tracks must still be removable then.
func (u *Upstream) takeIn(b *transport.Batch, p *packet, h *rtp.Header, payload []byte, arrival int64) (t *UpTrack, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, ok := u.routeLocked(h)
	if !ok {
		return nil, false
	}
	skipped := u.recordLocked(h, arrival)
	descriptor := u.descriptorOf(h)
	if r.rtx {
		ok = r.track.acceptRTX(p, h, payload, descriptor, arrival)
	} else {
		ok = r.track.accept(p, h, payload, descriptor, arrival)
	}
	u.suspectLocked(skipped-p.missed, arrival)
	u.nacksLocked(b, arrival)
	return r.track, ok
}

// descriptorOf is the dependency descriptor of a packet, nil if there is none.
func (u *Upstream) descriptorOf(h *rtp.Header) []byte {
	if u.cfg.DependencyExt == 0 {
		return nil
	}
	return h.GetExtension(u.cfg.DependencyExt)
}

// RecordArrival counts an audio packet for the transport-wide feedback and the receiver reports. Video
// packets are counted by HandleRTP.
func (u *Upstream) RecordArrival(b *transport.Batch, h *rtp.Header, arrival int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.suspectLocked(u.recordLocked(h, arrival), arrival)
	u.nacksLocked(b, arrival)
	if u.audio.ssrc != h.SSRC || !u.audio.stats.Started() {
		u.audio = audioReception{ssrc: h.SSRC, stats: mediartp.Reception{ClockRate: opusClockRate}}
	}
	u.audio.stats.Receive(h.SequenceNumber, h.Timestamp, arrival)
}

// recordLocked notes a packet for the feedback and returns how many before it have not come.
func (u *Upstream) recordLocked(h *rtp.Header, arrival int64) (skipped int64) {
	if u.cfg.TWCCExt == 0 {
		return 0
	}
	if ext := h.GetExtension(u.cfg.TWCCExt); len(ext) >= 2 {
		skipped = u.twcc.Record(uint16(ext[0])<<8|uint16(ext[1]), arrival)
		u.twccSSRC = h.SSRC
	}
	return skipped
}

// routeLocked finds the track of a packet. An unknown SSRC is bound by its MID, and with simulcast by its
// RID: a browser may send before its SSRC is known, or change it.
func (u *Upstream) routeLocked(h *rtp.Header) (route, bool) {
	if r, ok := u.routes[h.SSRC]; ok {
		return r, true
	}
	if u.cfg.MIDExt == 0 || len(u.tracks) == 0 {
		return route{}, false
	}
	mid := h.GetExtension(u.cfg.MIDExt)
	if len(mid) == 0 {
		return route{}, false
	}
	for _, t := range u.tracks {
		if t.cfg.MID != string(mid) {
			continue
		}
		_, rtx := t.rtx[h.PayloadType]
		r := route{track: t, rtx: rtx}
		if !rtx && !t.sends(h.PayloadType) {
			return route{}, false
		}
		if t.cfg.RID != "" && t.cfg.RID != string(u.ridOf(h, r.rtx)) {
			continue
		}
		u.bindLocked(h.SSRC, r)
		return r, true
	}
	return route{}, false
}

// ridOf is the encoding that a packet says it belongs to, or repairs.
func (u *Upstream) ridOf(h *rtp.Header, rtx bool) []byte {
	id := u.cfg.RIDExt
	if rtx {
		id = u.cfg.RepairedRIDExt
	}
	if id == 0 {
		return nil
	}
	return h.GetExtension(id)
}

// bindLocked routes an SSRC, in place of the one that had its role: a track has at most two, however many
// a sender makes up.
func (u *Upstream) bindLocked(ssrc uint32, r route) {
	if ssrc == 0 {
		return
	}
	t := r.track
	old := &t.ssrc
	if r.rtx {
		old = &t.rtxSSRC
	}
	if *old == ssrc {
		u.routes[ssrc] = r
		return
	}
	if *old != 0 {
		delete(u.routes, *old)
	}
	*old = ssrc
	if !r.rtx {
		t.restart()
	}
	u.routes[ssrc] = r
}
