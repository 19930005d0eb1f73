package forwarder

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// TrackConfig describes a video stream that a connection sends.
type TrackConfig struct {
	SSRC, RTXSSRC uint32 // 0 = not known yet
	MID           string
	RID           string          // of a simulcast encoding (RFC 8851), which has no SSRC until it sends
	Codecs        map[uint8]Codec // by payload type, those of RTX, RED and ULPFEC included
}

// UpTrack is one video stream that a connection sends. It is made by Upstream.AddTrack.
type UpTrack struct {
	cfg    TrackConfig
	codecs map[uint8]*Codec // media payload types
	rtx    map[uint8]uint8  // RTX payload types, to what they retransmit

	// Guarded by the Upstream's mu.
	ssrc, rtxSSRC uint32
	reception     mediartp.Reception
	missing       mediartp.NackList
	hasSPS        bool // the H.264 stream carries its parameter sets
	dependencies  mediartp.DependencyReader
	protection    protection
	asked         bool // a key-frame request is out
	askedAt       int64
	everAsked     bool
	count         window

	// Any goroutine.
	packets    cache
	stats      atomic.Pointer[Stats]
	lastPacket atomic.Int64
	wantsKey   atomic.Bool
	report     atomic.Pointer[senderClock]  // from the last sender report; nil = none
	fanOut     atomic.Pointer[[]*DownTrack] // replaced, never changed

	fanMu  sync.Mutex
	closed bool
}

func newUpTrack(cfg TrackConfig) *UpTrack {
	t := &UpTrack{cfg: cfg, codecs: make(map[uint8]*Codec), rtx: make(map[uint8]uint8)}
	for pt, c := range cfg.Codecs {
		switch {
		case c.Name == RED:
			t.protection.red = pt
		case c.Name == ULPFEC:
			t.protection.ulpfec = pt
		case c.APT == 0:
			c.ClockRate = cmp.Or(c.ClockRate, defaultClockRate)
			c.Format = cmp.Or(c.Format, c.Name)
			t.codecs[pt] = &c
		}
	}
	for pt, c := range cfg.Codecs {
		if c.APT != 0 && (t.codecs[c.APT] != nil || c.APT == t.protection.red) {
			t.rtx[pt] = c.APT
		}
	}
	t.reception.ClockRate = defaultClockRate
	t.stats.Store(&Stats{})
	t.fanOut.Store(new([]*DownTrack))
	return t
}

// Stats describes the stream. The layers in it are shared and not to be changed.
func (t *UpTrack) Stats() Stats {
	s := *t.stats.Load()
	s.LastPacket = t.lastPacket.Load()
	return s
}

// RequestKeyFrame asks the sender for a key frame, soon: requests are gathered, and repeated until a key
// frame comes.
func (t *UpTrack) RequestKeyFrame() { t.wantsKey.Store(true) }

// sends tells whether packets of the stream itself may have the payload type.
func (t *UpTrack) sends(payloadType uint8) bool {
	return t.codecs[payloadType] != nil || t.protection.red != 0 && payloadType == t.protection.red
}

// accept takes in a packet of the stream itself and describes it in p, which is zero. The Upstream's mu is
// held.
func (t *UpTrack) accept(p *packet, h *rtp.Header, payload, descriptor []byte, arrival int64) bool {
	codec, payload, parity := t.open(h, payload)
	if codec == nil {
		return false
	}
	ext, verdict := t.reception.Receive(h.SequenceNumber, h.Timestamp, arrival)
	switch verdict {
	case mediartp.Stray:
		return false
	case mediartp.Late:
		if !t.missing.Remove(ext, arrival) {
			t.lateParity(p, parity, arrival)
			return false
		}
	case mediartp.Restarted:
		t.missing.Reset()
		t.missing.Arrived(ext, arrival)
		t.protection.until = 0
		t.count.started = false
		t.report.Store(nil)
		t.RequestKeyFrame()
	case mediartp.InOrder:
		var fresh bool
		if p.missed, fresh = t.missing.Arrived(ext, arrival); !fresh {
			return false
		}
	}
	t.inspect(p, codec, ext, h, payload, descriptor, arrival)
	if t.protection.red != 0 {
		t.keep(p, h, parity)
	}
	return true
}

// acceptRTX takes in a retransmitted packet. Only one that is missing is of use; the rest is probing.
func (t *UpTrack) acceptRTX(p *packet, h *rtp.Header, payload, descriptor []byte, arrival int64) bool {
	apt, known := t.rtx[h.PayloadType]
	seq, original, ok := mediartp.DecapsulateRTX(payload)
	if !known || !ok || !t.reception.Started() {
		return false
	}
	h.PayloadType = apt
	codec, original, _ := t.open(h, original)
	if codec == nil {
		return false
	}
	ext := t.reception.Peek(seq)
	if !t.missing.Remove(ext, arrival) {
		return false
	}
	t.inspect(p, codec, ext, h, original, descriptor, arrival)
	t.connect(p)
	return true
}

// restart forgets the numbering of the stream, as another SSRC carries it from now on. The numbers that
// receivers have been given stay unique, because the run begins anew far ahead.
func (t *UpTrack) restart() {
	t.missing.Reset()
	t.dependencies.Reset()
	t.report.Store(nil)
	if t.reception.Started() {
		t.reception.Abandon()
		t.RequestKeyFrame()
	}
}

// forward hands a packet to every DownTrack.
func (t *UpTrack) forward(b *transport.Batch, p *packet) {
	for _, d := range *t.fanOut.Load() {
		d.forward(b, t, p)
	}
}

// subscribe and unsubscribe replace the fan-out list.
func (t *UpTrack) subscribe(d *DownTrack) {
	t.fanMu.Lock()
	defer t.fanMu.Unlock()
	if t.closed {
		return
	}
	list := append(slices.Clone(*t.fanOut.Load()), d)
	t.fanOut.Store(&list)
}

func (t *UpTrack) unsubscribe(d *DownTrack) {
	t.fanMu.Lock()
	defer t.fanMu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*t.fanOut.Load()), func(x *DownTrack) bool { return x == d })
	t.fanOut.Store(&list)
}

func (t *UpTrack) close() {
	t.fanMu.Lock()
	defer t.fanMu.Unlock()
	t.closed = true
	t.fanOut.Store(new([]*DownTrack))
}
