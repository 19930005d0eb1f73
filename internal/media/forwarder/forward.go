package forwarder

import (
	"errors"

	"github.com/pion/rtp"

	"carillon/internal/media/bwe"
	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// maxJump is how far a source may jump ahead before its receivers begin anew instead of seeing a gap that
// nobody can fill.
const maxJump = 1024

// forward sends one packet of the source on, or of the next one, which takes over with its key frame.
func (d *DownTrack) forward(b *transport.Batch, t *UpTrack, p *packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.paused || d.held && t == d.source {
		return
	}
	before := d.source
	if t != before {
		if t != d.next || !p.keyFrame || d.cfg.PayloadTypes[p.codec.Format].PT == 0 {
			return
		}
		d.takeOverLocked(p)
	}
	if !d.acceptsLocked(p) {
		return
	}
	starting := d.waiting
	if starting {
		if !p.keyFrame {
			return
		}
		d.startLocked(p, before)
	}
	switch err := d.sendLocked(b, p); {
	case err == nil:
	case errors.Is(err, errDropped):
		d.awaitKeyFrameLocked()
	case starting:
		// The connection is not up yet: wait for another key frame, which nudge asks for.
		d.waiting = true
		d.seq.Stop()
	}
}

// takeOverLocked makes the next source the present one.
func (d *DownTrack) takeOverLocked(p *packet) {
	if d.source != nil {
		d.source.unsubscribe(d)
	}
	d.source, d.next, d.held = d.next, nil, false
	d.codec, d.pts = p.codec, d.cfg.PayloadTypes[p.codec.Format]
	d.waiting = true
	d.seq.Stop()
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
		d.codec, d.pts = p.codec, d.cfg.PayloadTypes[p.codec.Format]
		if started {
			d.awaitKeyFrameLocked()
		}
	case started && p.ext > d.seq.Highest()+maxJump:
		d.awaitKeyFrameLocked()
	}
	return d.pts.PT != 0
}

// startLocked lets the streams of numbers continue with p, the first packet of a key frame. before is the
// source that was shown until now.
func (d *DownTrack) startLocked(p *packet, before *UpTrack) {
	d.waiting = false
	d.seq.Start(p.ext)
	if out, ok := d.alignLocked(p, before); ok {
		d.ts.StartAligned(p.timestamp, out, p.arrival, p.codec.ClockRate)
	} else {
		d.ts.Start(p.timestamp, p.arrival, p.codec.ClockRate)
	}
	d.sync = reference{} // the source may have changed its timestamps
	if r := d.source.report.Load(); r != nil {
		d.sync = reference{timestamp: r.timestamp, at: r.at, reported: true}
	}
	d.layers.restart()
	switch p.codec.Name {
	case VP8:
		d.pictures.Start(p.vp8.Picture())
	case VP9:
		d.pictures.Start(p.vp9.Picture())
	}
	if number, ok := mediartp.DependencyFrameNumber(p.descriptor); ok {
		d.numbers.Start(number)
	}
}

// alignLocked finds the output timestamp of p's moment on the time line of the source before, if the
// sender reports of both tell.
func (d *DownTrack) alignLocked(p *packet, before *UpTrack) (out uint32, ok bool) {
	if before == nil || before == d.source {
		return 0, false
	}
	from, to := before.report.Load(), d.source.report.Load()
	if from == nil || to == nil {
		return 0, false
	}
	timestamp, ok := from.translate(to, p.timestamp, p.codec.ClockRate)
	return d.ts.Peek(timestamp), ok
}

// sendLocked rewrites one packet and sends it, unless its layer is left out.
func (d *DownTrack) sendLocked(b *transport.Batch, p *packet) error {
	newest := p.ext > d.seq.Highest()
	if newest {
		d.closeGapLocked(p)
	}
	keep, marker := d.layers.decide(p, d.seq.Highest())
	payload := p.payload
	if !keep {
		payload = nil
		if newest && p.codec.Name == VP8 {
			d.pictures.Skip(p.vp8.Picture())
		}
	}
	// A late packet that is left out has its place in the numbering, which an empty one fills.
	if len(payload) == 0 && d.seq.Skip(p.ext) {
		return nil
	}
	seq, ok := d.seq.Map(p.ext)
	if !ok {
		return nil
	}
	if !d.sync.reported && newest {
		d.sync.timestamp, d.sync.at = p.timestamp, p.arrival
	}
	var descriptor []byte
	if len(payload) > 0 {
		d.patchLocked(p, payload)
		descriptor = d.patchDescriptorLocked(p.descriptor)
	}
	d.describeLocked(descriptor)
	h := &d.header
	h.SSRC, h.PayloadType, h.SequenceNumber = d.cfg.SSRC, d.pts.PT, seq
	h.Timestamp, h.Marker = d.ts.Map(p.timestamp, p.arrival), marker && len(payload) > 0
	if d.plain != nil {
		d.plain.note(h, payload)
	}
	return d.writeLocked(b, payload, d.parcelLocked(p), p.arrival)
}

// closeGapLocked leaves out what is missing before p but was no part of any picture, so that the receiver does not miss it.
// What turns out to be such only after the receiver has been sent later packets keeps its number, which the receiver asks
// for in vain and gives up.
func (d *DownTrack) closeGapLocked(p *packet) {
	if p.follows == 0 {
		return
	}
	for ext := max(p.follows, d.seq.Highest()) + 1; ext < p.ext; ext++ {
		d.seq.Skip(ext)
	}
}

// parcelLocked is what the pacing has to know of a packet of the source.
func (d *DownTrack) parcelLocked(p *packet) parcel {
	if p.keyFrame {
		d.keyFrame.timestamp, d.keyFrame.seen = p.timestamp, true
	}
	return parcel{
		kind: bwe.KindVideo, seq: d.header.SequenceNumber, frame: p.timestamp,
		key:         d.keyFrame.seen && p.timestamp == d.keyFrame.timestamp,
		discardable: p.codec.Name == VP8 && p.vp8.Discardable,
	}
}

// patchLocked writes the receiver's picture ids into the payload. All receivers of a packet share the
// payload: each writes its own ids before it sends, so what the one before has left there is no matter.
func (d *DownTrack) patchLocked(p *packet, payload []byte) {
	switch p.codec.Name {
	case VP8:
		id, tl0 := d.pictures.Map(p.vp8.Picture())
		p.vp8.Patch(payload, id, tl0)
	case VP9:
		id, tl0 := d.pictures.Map(p.vp9.Picture())
		p.vp9.Patch(payload, id, tl0)
	}
}

// patchDescriptorLocked writes the receiver's frame number into a dependency descriptor, which is shared
// as the payload is. It returns nil if the receiver knows no such thing.
func (d *DownTrack) patchDescriptorLocked(descriptor []byte) []byte {
	number, ok := mediartp.DependencyFrameNumber(descriptor)
	if !ok || d.cfg.DependencyExt == 0 {
		return nil
	}
	mediartp.PatchDependency(descriptor, d.numbers.Map(number))
	return descriptor
}

// maxOneByteExtension is the most that a one-byte header extension holds (RFC 8285 section 4.2).
const maxOneByteExtension = 16

// describeLocked puts a dependency descriptor into the header, or takes the last one out.
func (d *DownTrack) describeLocked(descriptor []byte) {
	if d.cfg.DependencyExt == 0 {
		return
	}
	h := &d.header
	if len(descriptor) == 0 {
		_ = h.DelExtension(d.cfg.DependencyExt) // an error means that there is none
		h.ExtensionProfile = rtp.ExtensionProfileOneByte
		return
	}
	h.ExtensionProfile = rtp.ExtensionProfileOneByte
	if len(descriptor) > maxOneByteExtension {
		h.ExtensionProfile = rtp.ExtensionProfileTwoByte
	}
	_ = h.SetExtension(d.cfg.DependencyExt, descriptor) // it fits: it came in one
}

// writeLocked sends the packet that header describes.
func (d *DownTrack) writeLocked(b *transport.Batch, payload []byte, m parcel, now int64) error {
	if d.down == nil {
		return errNotAdded
	}
	if err := d.down.send(b, d, payload, m, now); err != nil {
		return err
	}
	if d.header.SSRC == d.cfg.SSRC {
		d.sent.packets++
		d.sent.octets += uint32(len(payload))
	}
	return nil
}
