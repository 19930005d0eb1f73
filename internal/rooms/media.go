package rooms

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"carillon/internal/media/forwarder"
	"carillon/internal/media/mixer"
	"carillon/internal/media/transport"
)

// media is the packet side of a participant. It is made by the first Subscribe.
type media struct {
	// Constant after openMediaLocked.
	conn        *transport.Conn
	up          *forwarder.Upstream
	down        *forwarder.Downstream
	remoteUfrag string
	owner       *Participant
	sessionID   uint64 // of the session descriptions (RFC 8829 section 5.2.1)

	nextPaced *media // see pacer

	version uint64 // of the last session description; guarded by Room.mu

	audioIn  atomic.Pointer[audioIn] // nil until a Subscribe names the audio stream
	audioOut audioOut
}

// HandleRTP gives video to the forwarder and audio to the mixer; anything else is dropped.
// It runs on a reading goroutine of the transport.
func (p *Participant) HandleRTP(b *transport.Batch, h *rtp.Header, payload []byte, arrival int64) {
	m := p.media.Load()
	if m == nil {
		return
	}
	if m.up.HandleRTP(b, h, payload, arrival) {
		b.Urgent()
		return
	}
	if in := m.audioIn.Load(); in != nil && in.push(h, payload) {
		b.Patient()
		m.up.RecordArrival(b, h, arrival)
	}
}

// HandleRTCP gives both directions of the connection the reports that concern them.
func (p *Participant) HandleRTCP(b *transport.Batch, packet []byte, arrival int64) {
	if m := p.media.Load(); m != nil {
		m.up.HandleRTCP(b, packet, arrival)
		m.down.HandleRTCP(b, packet, arrival)
		m.audioOut.handleReports(packet, time.Now())
		m.audioOut.watch(m.down, arrival)
	}
}

// HandleConnected implements transport.Handler. Audio flows from the next frame; the key frames of videos
// that were subscribed before there was a connection are asked for again.
func (p *Participant) HandleConnected() {
	p.log.Debug("media connected")
	p.room.hub.background(p.refreshVideos)
}

func (p *Participant) refreshVideos() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for _, v := range p.received {
		if v.shown != nil {
			v.shown.track.RequestKeyFrame()
		}
	}
}

// Reached reports whether the client's media has ever come through.
func (p *Participant) Reached() bool {
	m := p.media.Load()
	return m != nil && m.conn.Connected()
}

// HandleClosed implements transport.Handler.
func (p *Participant) HandleClosed(err error) { p.room.hub.background(func() { p.fail(err) }) }

// sendAudio sends one mixed frame. It is called by the room's clock only.
func (p *Participant) sendAudio(b *transport.Batch, f *mixer.Frame, now int64) {
	defer p.contain()
	if m := p.media.Load(); m != nil {
		m.audioOut.send(b, m.down, f, &p.room.red, now)
	}
}

// tick runs the periodic RTCP of the connection.
func (p *Participant) tick(b *transport.Batch, now int64, wall time.Time) {
	defer p.contain()
	if m := p.media.Load(); m != nil && !p.broken.Load() {
		m.audioOut.tick(b, m.conn, now, wall)
		m.up.Tick(b, now)
		m.down.Tick(b, now)
	}
}
