package rooms

import (
	"sync/atomic"

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
	sessionID   uint64 // of the session descriptions (RFC 8829 section 5.2.1)

	version uint64 // of the last session description; guarded by Room.mu

	audioIn  atomic.Pointer[audioIn] // nil until a Subscribe names the audio stream
	audioOut audioOut
}

// audioIn says how to recognise the participant's audio. It is replaced, never changed.
type audioIn struct {
	payloadType uint8
	levelExt    uint8 // id of the RFC 6464 header extension, or 0
	source      *mixer.Source
}

// audioOut is the state of the one audio stream that we send. Only the room's clock touches seq and ts.
type audioOut struct {
	payloadType atomic.Uint32 // 0 until negotiated
	header      rtp.Header
}

// samplesPerFrame is the RTP timestamp step of one 20 ms frame (RFC 7587 section 4.1: 48 kHz always).
const samplesPerFrame = 960

// unknownLevel is pushed when a packet carries no RFC 6464 level.
const unknownLevel = 255

// HandleRTP gives video to the forwarder and audio to the mixer; anything else is dropped.
// It runs on a reading goroutine of the transport.
func (p *Participant) HandleRTP(b *transport.Batch, h *rtp.Header, payload []byte, arrival int64) {
	m := p.media.Load()
	if m == nil {
		return
	}
	if m.up.HandleRTP(b, h, payload, arrival) {
		return
	}
	in := m.audioIn.Load()
	if in == nil || h.PayloadType != in.payloadType {
		return
	}
	m.up.RecordArrival(h, arrival)
	level := uint8(unknownLevel)
	if in.levelExt != 0 {
		if ext := h.GetExtension(in.levelExt); len(ext) > 0 {
			level = ext[0] & 0x7f // RFC 6464 section 3: the top bit is voice activity
		}
	}
	in.source.Push(h, payload, level)
}

// HandleRTCP gives both directions of the connection the reports that concern them.
func (p *Participant) HandleRTCP(b *transport.Batch, packet []byte, arrival int64) {
	if m := p.media.Load(); m != nil {
		m.up.HandleRTCP(b, packet, arrival)
		m.down.HandleRTCP(b, packet, arrival)
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
func (p *Participant) sendAudio(b *transport.Batch, f *mixer.Frame) {
	m := p.media.Load()
	if m == nil {
		return
	}
	pt := m.audioOut.payloadType.Load()
	if pt == 0 {
		return
	}
	h := &m.audioOut.header
	h.PayloadType = uint8(pt)
	h.SequenceNumber++
	h.Timestamp += samplesPerFrame
	m.conn.WriteRTP(b, h, f.Packet) // an error means not connected yet, or gone: nothing to do
}

// tick runs the periodic RTCP of the connection.
func (p *Participant) tick(b *transport.Batch, now int64) {
	if m := p.media.Load(); m != nil {
		m.up.Tick(b, now)
		m.down.Tick(b, now)
	}
}
