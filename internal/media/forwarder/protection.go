package forwarder

import (
	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// protectedFor is how long packets are kept after the last parity packet, ns. Senders protect only while they are told of
// losses.
const protectedFor = 10_000_000_000

// protection is how the sender of a track protects its packets: RED around all of them (RFC 2198), with parity packets in
// it (ULPFEC, RFC 5109).
type protection struct {
	red, ulpfec uint8  // payload types; red 0 = none
	codec       *Codec // that of the media in the last packet
	parity      int    // packets that came
	restored    int    // packets that were made of them and used

	// While the sender protects its packets.
	until  int64 // ns
	window *mediartp.ParityWindow
	seams  *seams
}

// open takes a payload out of RED and corrects the payload type. codec is nil when the packet cannot be used. What is in
// a parity packet is no part of a picture: inner is then empty.
func (t *UpTrack) open(h *rtp.Header, payload []byte) (codec *Codec, inner, parity []byte) {
	pr := &t.protection
	if pr.red == 0 || h.PayloadType != pr.red {
		return t.codecs[h.PayloadType], payload, nil
	}
	if len(payload) == 0 {
		return pr.codec, nil, nil
	}
	switch pt := payload[0]; pt { // a single block: the first bit is not set
	case pr.ulpfec:
		return pr.codec, nil, payload[1:]
	default:
		if c := t.codecs[pt]; c != nil {
			pr.codec, h.PayloadType = c, pt
		}
		return t.codecs[pt], payload[1:], nil
	}
}

// active tells whether the sender protects its packets now. When it has ceased to, what was kept is let go.
func (pr *protection) active(now int64) bool {
	if pr.window != nil && now >= pr.until {
		pr.window, pr.seams = nil, nil
	}
	return pr.window != nil
}

// keep takes in a packet of the stream itself, with what was in it.
func (t *UpTrack) keep(p *packet, h *rtp.Header, parity []byte) {
	if parity != nil {
		t.protect(parity, p.arrival)
	}
	pr := &t.protection
	if !pr.active(p.arrival) {
		return
	}
	if parity == nil {
		pr.window.Keep(p.ext, h, p.payload)
	}
	t.connect(p)
	p.restores = pr.window.Waiting()
}

// lateParity takes in a parity packet that was overtaken by the next picture. There is no place for it any more in the
// numbering that receivers see, but it may restore something.
func (t *UpTrack) lateParity(p *packet, parity []byte, now int64) {
	if parity == nil || !t.protection.active(now) {
		return
	}
	t.protect(parity, now)
	p.restores = t.protection.window.Waiting()
}

// protect takes in a parity packet.
func (t *UpTrack) protect(parity []byte, now int64) {
	p, ok := mediartp.ParseParity(parity)
	if !ok {
		return
	}
	pr := &t.protection
	if !pr.active(now) {
		pr.window, pr.seams = &mediartp.ParityWindow{}, &seams{}
	}
	pr.until = now + protectedFor
	pr.parity++
	pr.window.Add(t.reception.Peek(p.Base), p)
}

// connect finds out whether the gaps beside p are part of a picture, and if not, asks for them no longer.
func (t *UpTrack) connect(p *packet) {
	if !t.protection.active(p.arrival) {
		return
	}
	var followed int64
	p.follows, followed = t.protection.seams.note(p)
	if p.follows != 0 {
		t.forget(p.follows, p.ext)
	}
	if followed != 0 {
		t.forget(p.ext, followed)
	}
}

// forget gives up what is missing between two packets, for good.
func (t *UpTrack) forget(from, to int64) {
	for ext := from + 1; ext < to; ext++ {
		t.missing.Forget(ext)
	}
}

// restore makes packets of what parity packets can replace, describes the next of them in p, which is zero, and is false
// when there is none.
func (u *Upstream) restore(t *UpTrack, p *packet, now int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	pr := &t.protection
	if !pr.active(now) {
		return false
	}
	for {
		ext, h, payload, ok := pr.window.Restore()
		if !ok {
			return false
		}
		codec := t.codecs[h.PayloadType]
		if codec == nil || !t.missing.Forget(ext) {
			continue
		}
		pr.restored++
		t.inspect(p, codec, ext, h, payload, u.descriptorOf(h), now)
		t.connect(p)
		return true
	}
}

// forwardRestored sends on what the packet before has made it possible to restore.
func (u *Upstream) forwardRestored(b *transport.Batch, t *UpTrack, now int64) {
	for {
		var p packet
		if !u.restore(t, &p, now) {
			return
		}
		t.forward(b, &p)
	}
}
