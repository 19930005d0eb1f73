package forwarder

import (
	"math/rand/v2"
	"sync"

	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
)

// PTs are the payload types that a receiver has given to a codec.
type PTs struct {
	PT  uint8
	RTX uint8 // 0 = none: retransmissions repeat the packet itself
}

// DownConfig describes one video section that we send on.
type DownConfig struct {
	SSRC           uint32
	RTXSSRC        uint32 // 0 = no RTX
	MID            string
	MIDExt         uint8          // id of the MID header extension (RFC 9143), 0 = none
	AbsSendTimeExt uint8          // id of the abs-send-time header extension, 0 = none
	TWCCExt        uint8          // id of the transport-wide sequence number extension, 0 = none
	DependencyExt  uint8          // id of the dependency descriptor, 0 = none
	PayloadTypes   map[string]PTs // by Codec.Format
	CNAME          string         // RFC 3550 section 6.5.1
}

// DownTrack is one video section of a receiver's connection. Its SSRC is constant and its sequence
// numbers, timestamps, picture ids and frame numbers are continuous, whatever source it shows. Every source
// begins with a key frame.
type DownTrack struct {
	cfg   DownConfig
	padPT uint8 // payload type of packets that are nothing but padding, 0 = there is no RTX

	mu      sync.Mutex
	down    *Downstream // nil = not added yet
	source  *UpTrack    // nil = none
	next    *UpTrack    // shown from its next key frame on; source goes on until then. nil = none
	held    bool        // source has stopped already while next is awaited
	paused  bool
	closed  bool
	codec   *Codec // of the source; nil = no packet seen yet
	pts     PTs    // of codec; zero if the receiver cannot decode it
	waiting bool   // for a key frame

	layers   filter
	seq      mediartp.SequenceMap
	ts       mediartp.TimestampMap
	pictures mediartp.PictureMap
	numbers  mediartp.FrameNumberMap
	sync     reference

	keyFrame struct { // the last one
		timestamp uint32
		seen      bool
	}
	header    rtp.Header
	sendTime  [3]byte // payload of abs-send-time in header
	transport [2]byte // transport-wide sequence number in header
	sent      struct{ packets, octets uint32 }

	rtx   retransmitter
	out   departures
	plain *plainHistory // nil if everything is repeated by RTX
}

// reference ties a timestamp of the source to a moment, for sender reports.
type reference struct {
	timestamp uint32
	at        int64 // 0 = none
	reported  bool  // by the source's own sender report, rather than guessed from the last packet
}

// NewDownTrack makes a DownTrack without a source. Add it to the Downstream of its connection.
func NewDownTrack(cfg DownConfig) *DownTrack {
	d := &DownTrack{cfg: cfg, waiting: true}
	d.layers.wantSpatial, d.layers.wantTemporal = allLayers, allLayers
	// Without RTX a packet is repeated as it is (plainHistory), so nothing in it may tell one time of sending from
	// another.
	if !hasRTX(cfg) {
		d.cfg.AbsSendTimeExt, d.cfg.TWCCExt = 0, 0
		d.plain = newPlainHistory()
	}
	for _, p := range cfg.PayloadTypes {
		d.padPT = max(d.padPT, p.RTX)
	}
	if cfg.RTXSSRC == 0 {
		d.padPT = 0
	}
	d.header = rtp.Header{Version: 2, SSRC: cfg.SSRC}
	// The header keeps these slices; writing into them in place is what makes a packet cost no allocation.
	if cfg.MIDExt != 0 {
		_ = d.header.SetExtension(cfg.MIDExt, []byte(cfg.MID))
	}
	if d.cfg.AbsSendTimeExt != 0 {
		_ = d.header.SetExtension(cfg.AbsSendTimeExt, d.sendTime[:])
	}
	if d.cfg.TWCCExt != 0 {
		_ = d.header.SetExtension(cfg.TWCCExt, d.transport[:])
	}
	// Below 2^15, so that the first packets may be reordered without wrapping (RFC 3711 section 3.3.1).
	d.seq.Seed(uint16(rand.Uint32N(1 << 15)))
	d.out.rtx = uint16(rand.Uint32N(1 << 15))
	return d
}

// hasRTX tells whether every codec of a section can be retransmitted by RTX.
func hasRTX(cfg DownConfig) bool {
	for _, p := range cfg.PayloadTypes {
		if p.RTX == 0 {
			return false
		}
	}
	return cfg.RTXSSRC != 0
}

// SetSource shows another stream, from its next key frame on; nil shows none. Until then nothing is sent.
func (d *DownTrack) SetSource(t *UpTrack) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	d.dropNextLocked()
	if t == d.source {
		return
	}
	if d.source != nil {
		d.source.unsubscribe(d)
	}
	d.source, d.codec, d.pts, d.sync = t, nil, PTs{}, reference{}
	d.forgetLocked()
	d.awaitKeyFrameLocked()
	if t != nil {
		t.subscribe(d)
	}
}

// SwitchTo shows another stream from its next key frame on, which is asked for; the present one goes on
// until then. It is meant for encodings of one camera or share: their time lines are aligned by the sender
// reports. Switching to the present source cancels a switch that has not happened yet.
func (d *DownTrack) SwitchTo(t *UpTrack) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.switchLocked(t)
}

// StepTo is SwitchTo for a receiver whose line does not hold the present encoding: that stops at once, and what
// waits of it is not sent.
func (d *DownTrack) StepTo(t *UpTrack) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.switchLocked(t)
	if d.next != nil && d.next == t && !d.held {
		d.held = true
		d.forgetLocked()
	}
}

func (d *DownTrack) switchLocked(t *UpTrack) {
	if d.closed || t == nil || t == d.next {
		return
	}
	d.dropNextLocked()
	if t == d.source {
		return
	}
	d.next = t
	t.subscribe(d)
	if !d.paused {
		t.RequestKeyFrame()
	}
}

// dropNextLocked cancels a switch. A source that has stopped for it begins anew.
func (d *DownTrack) dropNextLocked() {
	if d.next != nil {
		d.next.unsubscribe(d)
		d.next = nil
	}
	if d.held {
		d.held = false
		d.awaitKeyFrameLocked()
	}
}

// forgetLocked drops what waits to be sent.
func (d *DownTrack) forgetLocked() {
	if d.down != nil {
		d.down.forget(d)
	}
}

// mend waits for a key frame after the pacing has dropped a frame that others need.
func (d *DownTrack) mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.waiting {
		d.awaitKeyFrameLocked()
	}
}

// SetLayers bounds the spatial and temporal layers that are sent, counted from 0 as in Stats; a DownTrack
// begins without bounds. Layers are left out from the next picture on and added where the stream allows
// it; a key frame is asked for if only that does.
func (d *DownTrack) SetLayers(maxSpatial, maxTemporal uint8) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.layers.wantSpatial, d.layers.wantTemporal = maxSpatial, maxTemporal
	if d.source != nil && !d.waiting && d.layers.lacking() {
		d.source.RequestKeyFrame()
	}
}

// SetPaused stops the stream and lets it go on, with a key frame.
func (d *DownTrack) SetPaused(paused bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if paused == d.paused {
		return
	}
	d.paused = paused
	d.forgetLocked()
	d.awaitKeyFrameLocked()
	if d.next != nil && !paused {
		d.next.RequestKeyFrame()
	}
}

// Close ends the DownTrack for good.
func (d *DownTrack) Close() {
	d.SetSource(nil)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
}

// awaitKeyFrameLocked holds packets back until a key frame comes.
func (d *DownTrack) awaitKeyFrameLocked() {
	d.waiting = true
	d.seq.Stop()
	if d.source != nil && !d.paused {
		d.source.RequestKeyFrame()
	}
}

// synchronize notes a sender report of the source: it ties the timestamps to time better than arrivals do.
func (d *DownTrack) synchronize(t *UpTrack, timestamp uint32, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == t {
		d.sync = reference{timestamp: timestamp, at: at, reported: true}
	}
}
