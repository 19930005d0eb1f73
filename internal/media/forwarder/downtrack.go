package forwarder

import (
	"math/rand/v2"
	"sync"

	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// PTs are the payload types that a receiver has given to a codec.
type PTs struct {
	PT  uint8
	RTX uint8 // 0 = none: retransmissions repeat the packet itself
}

// DownConfig describes one video section that we send on.
type DownConfig struct {
	Writer         Writer
	SSRC           uint32
	RTXSSRC        uint32 // 0 = no RTX
	MID            string
	MIDExt         uint8          // id of the MID header extension (RFC 9143), 0 = none
	AbsSendTimeExt uint8          // id of the abs-send-time header extension, 0 = none
	PayloadTypes   map[string]PTs // by codec name
	CNAME          string         // RFC 3550 section 6.5.1
}

// maxJump is how far a source may jump ahead before its receivers begin anew instead of seeing a gap that
// nobody can fill.
const maxJump = 1024

// DownTrack is one video section of a receiver's connection. Its SSRC is constant and its sequence
// numbers, timestamps and picture ids are continuous, whatever source it shows. Every source begins with
// a key frame.
type DownTrack struct {
	cfg DownConfig

	mu      sync.Mutex
	source  *UpTrack // nil = none
	paused  bool
	closed  bool
	codec   *Codec // of the source; nil = no packet seen yet
	pts     PTs    // of codec; zero if the receiver cannot decode it
	waiting bool   // for a key frame

	seq  mediartp.SequenceMap
	ts   mediartp.TimestampMap
	vp8  mediartp.VP8Map
	sync reference

	header   rtp.Header
	sendTime [3]byte // payload of abs-send-time in header
	sent     struct{ packets, octets uint32 }

	rtx retransmitter
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
	// Without RTX a packet is repeated under its own number, which must not change a byte of it: AES-GCM
	// breaks when one nonce protects two texts (RFC 7714 section 8.1). So nothing in it may tell the time.
	if !hasRTX(cfg) {
		d.cfg.AbsSendTimeExt = 0
	}
	d.header = rtp.Header{Version: 2, SSRC: cfg.SSRC}
	// The header keeps these slices; writing abs-send-time in place is what makes a packet cost no allocation.
	if cfg.MIDExt != 0 {
		_ = d.header.SetExtension(cfg.MIDExt, []byte(cfg.MID))
	}
	if d.cfg.AbsSendTimeExt != 0 {
		_ = d.header.SetExtension(cfg.AbsSendTimeExt, d.sendTime[:])
	}
	// Below 2^15, so that the first packets may be reordered without wrapping (RFC 3711 section 3.3.1).
	d.seq.Seed(uint16(rand.Uint32N(1 << 15)))
	d.rtx.seq = uint16(rand.Uint32N(1 << 15))
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

// SetSource shows another stream, from its next key frame on; nil shows none.
func (d *DownTrack) SetSource(t *UpTrack) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t == d.source || d.closed {
		return
	}
	if d.source != nil {
		d.source.unsubscribe(d)
	}
	d.source, d.codec, d.pts, d.sync = t, nil, PTs{}, reference{}
	d.awaitKeyFrameLocked()
	if t != nil {
		t.subscribe(d)
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
	d.awaitKeyFrameLocked()
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

// forward sends one packet of the source on.
func (d *DownTrack) forward(b *transport.Batch, t *UpTrack, p *packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source != t || d.paused || !d.acceptsLocked(p) {
		return
	}
	starting := d.waiting
	if starting {
		if !p.keyFrame {
			return
		}
		d.startLocked(p)
	}
	if len(p.payload) == 0 && d.seq.Skip(p.ext) {
		return
	}
	seq, ok := d.seq.Map(p.ext)
	if !ok {
		return
	}
	if !d.sync.reported && p.ext == d.seq.Highest() {
		d.sync.timestamp, d.sync.at = p.timestamp, p.arrival
	}
	d.patchLocked(p.codec, &p.vp8, p.payload)
	h := &d.header
	h.SSRC, h.PayloadType, h.SequenceNumber = d.cfg.SSRC, d.pts.PT, seq
	h.Timestamp, h.Marker = d.ts.Map(p.timestamp, p.arrival), p.marker
	if err := d.writeLocked(b, p.payload, p.arrival); err != nil && starting {
		// The connection is not up yet: wait for another key frame, which nudge asks for.
		d.waiting = true
		d.seq.Stop()
	}
}

// acceptsLocked follows changes of the codec and jumps of the numbering. It is false when the receiver
// cannot decode the packet.
func (d *DownTrack) acceptsLocked(p *packet) bool {
	started := !d.waiting
	switch {
	case p.codec != d.codec:
		if started && p.ext <= d.seq.Highest() {
			return false // a late packet from before the change
		}
		d.codec, d.pts = p.codec, d.cfg.PayloadTypes[p.codec.Name]
		if started {
			d.awaitKeyFrameLocked()
		}
	case started && p.ext > d.seq.Highest()+maxJump:
		d.awaitKeyFrameLocked()
	}
	return d.pts.PT != 0
}

// startLocked lets the streams of numbers continue with p, the first packet of a key frame.
func (d *DownTrack) startLocked(p *packet) {
	d.waiting = false
	d.sync = reference{} // the source may have changed its timestamps
	d.seq.Start(p.ext)
	d.ts.Start(p.timestamp, p.arrival, p.codec.ClockRate)
	if p.codec.Name == vp8 {
		d.vp8.Start(&p.vp8)
	}
}

// patchLocked writes the receiver's picture ids into the payload. All receivers of a packet share the
// payload: each writes its own ids before it sends, so what the one before has left there is no matter.
func (d *DownTrack) patchLocked(c *Codec, v *mediartp.VP8, payload []byte) {
	if c.Name == vp8 && len(payload) > 0 {
		id, tl0 := d.vp8.Map(v)
		v.Patch(payload, id, tl0)
	}
}

// writeLocked sends the packet that header describes.
func (d *DownTrack) writeLocked(b *transport.Batch, payload []byte, now int64) error {
	if d.cfg.AbsSendTimeExt != 0 {
		// Seconds as a 6.18 fixed-point number.
		t := mediartp.Ticks(now, 1<<18)
		d.sendTime = [3]byte{byte(t >> 16), byte(t >> 8), byte(t)}
	}
	if err := d.cfg.Writer.WriteRTP(b, &d.header, payload); err != nil {
		return err
	}
	if d.header.SSRC == d.cfg.SSRC {
		d.sent.packets++
		d.sent.octets += uint32(len(payload))
	}
	return nil
}

// synchronize notes a sender report of the source: it ties the timestamps to time better than arrivals do.
func (d *DownTrack) synchronize(t *UpTrack, timestamp uint32, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source == t {
		d.sync = reference{timestamp: timestamp, at: at, reported: true}
	}
}
