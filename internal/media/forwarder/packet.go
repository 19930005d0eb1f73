package forwarder

import (
	"github.com/pion/rtp"

	mediartp "carillon/internal/media/rtp"
)

// Codec is what a payload type stands for. A stream of a codec that is not named here is received and
// never shown, as its key frames are not known.
type Codec struct {
	Name      string // VP8, VP9, H264, AV1, RED, ULPFEC, or RTX with APT set
	Format    string // what receivers must have in PayloadTypes, such as a profile; "" = Name
	ClockRate uint32
	APT       uint8 // of RTX: the payload type that is retransmitted (RFC 4588 section 8.1)
}

// Names of the codecs that the package looks into.
const (
	VP8  = "VP8"
	VP9  = "VP9"
	H264 = "H264"
	AV1  = "AV1"
	RTX  = "rtx"

	RED    = "red"    // around the packets of a sender that protects them (RFC 2198)
	ULPFEC = "ulpfec" // the packets, in RED, that it protects them with (RFC 5109)
)

// defaultClockRate is that of every video codec of WebRTC.
const defaultClockRate = 90_000

// packet is a video packet on its way from an UpTrack to the DownTracks.
type packet struct {
	ext       int64 // extended sequence number
	arrival   int64
	timestamp uint32
	marker    bool
	keyFrame  bool  // the first packet of a key frame
	missed    int64 // packets before it that are found missing with it
	follows   int64 // the packet that it is known to follow: what is missing between them is no part of the picture; 0 = not known
	restores  bool  // parity packets may now be able to restore others
	codec     *Codec
	layer     layer
	vp8       mediartp.VP8 // if that is the codec
	vp9       mediartp.VP9 // if that is the codec

	dependency    mediartp.Dependency // valid if hasDependency
	hasDependency bool
	descriptor    []byte // the header extension that dependency was read from, as it came

	payload []byte // empty: padding only
}

// layer says where a packet belongs in a stream of layers.
type layer struct {
	layered           bool // the stream says which layer a packet belongs to
	spatial, temporal uint8
	targets           uint32 // decode targets that need it, one bit each; 0 = the stream has none
	begin, end        bool   // first and last packet of the layer's frame
	sync              bool   // the frame needs nothing but the lowest temporal layer
	switchUp          bool   // later frames of higher temporal layers need nothing from before this one
}

// inspect looks into a packet and keeps it.
func (t *UpTrack) inspect(p *packet, codec *Codec, ext int64, h *rtp.Header, payload, descriptor []byte, arrival int64) {
	p.ext, p.arrival, p.timestamp, p.marker, p.codec, p.payload = ext, arrival, h.Timestamp, h.Marker, codec, payload
	if len(payload) == 0 {
		return
	}
	t.lastPacket.Store(arrival)
	if _, ok := mediartp.DependencyFrameNumber(descriptor); ok {
		p.descriptor = descriptor
		p.dependency, p.hasDependency = t.dependencies.Read(descriptor)
	}
	switch codec.Name {
	case VP8:
		t.inspectVP8(p)
	case VP9:
		t.inspectVP9(p)
	case H264:
		t.inspectH264(p)
	case AV1:
		a, _ := mediartp.ParseAV1(payload)
		p.keyFrame = a.KeyFrame
		t.count.size(0, int(a.Size.Width), int(a.Size.Height))
	}
	if p.hasDependency {
		t.inspectDependency(p)
	}
	if p.keyFrame {
		t.wantsKey.Store(false)
		t.asked = false
		t.missing.ForgetBefore(ext)
	}
	t.count.packet(p)
	t.packets.store(p)
}

func (t *UpTrack) inspectVP8(p *packet) {
	p.vp8, _ = mediartp.ParseVP8(p.payload)
	v := &p.vp8
	p.keyFrame = v.KeyFrame
	p.layer = layer{layered: v.HasTemporal, temporal: v.Temporal, begin: v.Begin, sync: v.Sync}
	t.count.size(0, v.Width, v.Height)
}

func (t *UpTrack) inspectVP9(p *packet) {
	p.vp9, _ = mediartp.ParseVP9(p.payload)
	v := &p.vp9
	p.keyFrame = v.KeyFrame
	p.layer = layer{layered: v.Layered, spatial: v.Spatial, temporal: v.Temporal, begin: v.Begin, end: v.End, switchUp: v.SwitchUp}
	for i, s := range v.Sizes {
		t.count.size(i, int(s.Width), int(s.Height))
	}
}

func (t *UpTrack) inspectH264(p *packet) {
	info := mediartp.ParseH264(p.payload)
	t.hasSPS = t.hasSPS || info.SPS
	// Decoding begins with the parameter sets, unless they were given out of band.
	p.keyFrame = info.SPS || info.IDR && !t.hasSPS
	t.count.size(0, info.Width, info.Height)
}

func (t *UpTrack) inspectDependency(p *packet) {
	d := &p.dependency
	p.layer = layer{layered: true, spatial: d.Spatial, temporal: d.Temporal, targets: d.Targets(), begin: d.Begin, end: d.End}
	if d.NewStructure {
		for i, s := range d.Structure.Sizes {
			t.count.size(i, int(s.Width), int(s.Height))
		}
	}
}
