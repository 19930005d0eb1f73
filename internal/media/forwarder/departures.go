package forwarder

import (
	"encoding/binary"

	"github.com/pion/rtp"

	"carillon/internal/media/bwe"
	"carillon/internal/media/transport"
)

// departures is what the pacing keeps of a DownTrack. It is guarded by the lock of the pacing.
type departures struct {
	rtx   uint16 // last number of the RTX stream: assigned when a packet leaves, so that they leave in order
	holes marks  // numbers that were given to packets which never left

	spent   marks // of the last numbers up to newest, those that a packet has
	newest  uint16
	started bool
}

// holeBits is how many of the last sequence numbers are looked back on.
const holeBits = 1024

// marks has a mark for each of the last holeBits sequence numbers.
type marks [holeBits / 64]uint64

func (m *marks) set(seq uint16)      { m[seq%holeBits/64] |= 1 << (seq % 64) }
func (m *marks) clear(seq uint16)    { m[seq%holeBits/64] &^= 1 << (seq % 64) }
func (m *marks) has(seq uint16) bool { return m[seq%holeBits/64]>>(seq%64)&1 != 0 }

func (o *departures) nextRTX() uint16 {
	o.rtx++
	return o.rtx
}

func (o *departures) dropped(seq uint16)         { o.holes.set(seq) }
func (o *departures) left(seq uint16)            { o.holes.clear(seq) }
func (o *departures) wasDropped(seq uint16) bool { return o.holes.has(seq) }

// spend takes a number for a new packet. It is false for one that another packet has had, or may have had: two packets
// under one number would be two texts under one nonce (RFC 7714 section 8.1). Nothing asks for that; this is for the
// mistake that would.
func (o *departures) spend(seq uint16) bool {
	ahead := int16(seq - o.newest)
	switch {
	case !o.started || ahead >= holeBits:
		o.started, o.newest, o.spent = true, seq, marks{}
	case ahead > 0:
		for ; o.newest != seq; o.newest++ {
			o.spent.clear(o.newest + 1)
		}
	case ahead <= -holeBits || o.spent.has(seq):
		return false
	}
	o.spent.set(seq)
	return true
}

// stamp completes a packet that waited.
func (o *departures) stamp(d *DownTrack, q *bwe.Packet, seq uint16, now int64) {
	if binary.BigEndian.Uint32(q.Data[8:]) == d.cfg.RTXSSRC {
		binary.BigEndian.PutUint16(q.Data[2:], o.nextRTX())
	} else {
		o.left(binary.BigEndian.Uint16(q.Data[2:]))
	}
	if q.TWCC != 0 {
		binary.BigEndian.PutUint16(q.Data[q.TWCC:], seq)
	}
	if q.SendTime != 0 {
		putSendTime(q.Data[q.SendTime:], now)
	}
}

// stamps are the offsets, in a packet with this header, of the transport-wide sequence number and of
// abs-send-time; 0 = none. They stand behind the MID, as NewDownTrack has put them there.
func (d *DownTrack) stamps() (transport, sendTime uint16) {
	const fixed = 12 + 4 // RTP header, and the head of the extensions
	intro := 1           // bytes before the value (RFC 8285 sections 4.2 and 4.3)
	if d.header.ExtensionProfile == rtp.ExtensionProfileTwoByte {
		intro = 2
	}
	at := fixed
	if d.cfg.MIDExt != 0 {
		at += intro + len(d.cfg.MID)
	}
	if d.cfg.AbsSendTimeExt != 0 {
		sendTime = uint16(at + intro)
		at += intro + len(d.sendTime)
	}
	if d.cfg.TWCCExt != 0 {
		transport = uint16(at + intro)
	}
	return transport, sendTime
}

const (
	mostPadding = 255 // bytes of padding that a packet can have (RFC 3550 section 5.1)
	wireBytes   = 44  // that a packet takes beside RTP, as the probe counts it
)

// pad sends packets that hold nothing but padding; false if the section has no stream for them.
func (d *DownTrack) pad(b *transport.Batch, bytes int, now int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.padPT == 0 || d.cfg.TWCCExt == 0 || d.closed || d.down == nil {
		return false
	}
	d.describeLocked(nil)
	h := &d.header
	h.SSRC, h.PayloadType, h.Marker = d.cfg.RTXSSRC, d.padPT, false
	h.Padding, h.PaddingSize = true, mostPadding
	for bytes > 0 {
		if d.down.send(b, d, nil, parcel{kind: bwe.KindPadding}, now) != nil {
			break // not connected
		}
		bytes -= h.MarshalSize() + mostPadding + wireBytes
	}
	h.Padding, h.PaddingSize = false, 0
	return true
}
