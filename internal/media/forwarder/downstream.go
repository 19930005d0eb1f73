package forwarder

import (
	"encoding/binary"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"carillon/internal/media/bwe"
	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// DownstreamConfig is what a Downstream needs to know of its connection.
type DownstreamConfig struct {
	Writer Writer           // takes everything that is sent to the receiver
	Clock  func() time.Time // wall clock of the sender reports; nil = time.Now
	Logger *slog.Logger     // nil = silent

	// Wake asks for calls of Pace. It is called on the packet path, with locks held, so that it must neither block nor
	// call back. Nil = Pace is called all the time.
	Wake func()
}

// Downstream is everything that is sent to one receiver: it takes in what the receiver reports on it, sends it
// reports, and decides by its congestion control when packets leave.
type Downstream struct {
	cfg    DownstreamConfig
	log    *slog.Logger
	tracks atomic.Pointer[map[uint32]*DownTrack] // by SSRC; replaced, never changed
	pace   pacing
	fell   atomic.Bool // see Fell

	mu         sync.Mutex // guards changes of tracks, and what follows
	reportedAt int64
	buf        []byte
}

// NewDownstream makes a Downstream without tracks.
func NewDownstream(cfg DownstreamConfig) *Downstream {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	s := &Downstream{cfg: cfg, log: logger(cfg.Logger)}
	s.tracks.Store(new(map[uint32]*DownTrack))
	s.pace.init(s.noteDropped)
	return s
}

// Add makes a DownTrack send on this connection, and routes the reports on it to it.
func (s *Downstream) Add(d *DownTrack) {
	d.mu.Lock()
	d.down = s
	d.mu.Unlock()
	s.change(func(m map[uint32]*DownTrack) { m[d.cfg.SSRC] = d })
	s.log.Debug("video section added", "mid", d.cfg.MID, "ssrc", d.cfg.SSRC)
}

// Remove undoes Add. It does not close the DownTrack.
func (s *Downstream) Remove(d *DownTrack) {
	s.change(func(m map[uint32]*DownTrack) {
		if m[d.cfg.SSRC] == d {
			delete(m, d.cfg.SSRC)
		}
	})
	s.log.Debug("video section removed", "mid", d.cfg.MID, "ssrc", d.cfg.SSRC)
}

func (s *Downstream) change(edit func(map[uint32]*DownTrack)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := make(map[uint32]*DownTrack)
	maps.Copy(m, *s.tracks.Load())
	edit(m)
	s.tracks.Store(&m)
}

// HandleRTCP takes in the feedback in a compound packet. Reports on SSRCs that are not ours are ignored.
func (s *Downstream) HandleRTCP(b *transport.Batch, data []byte, arrival int64) {
	tracks := *s.tracks.Load()
	for p := range mediartp.Compound(data) {
		switch {
		case p.Type == mediartp.TransportFeedback && p.Count == mediartp.FormatNACK:
			answerNACK(b, tracks, p.Raw, arrival)
		case p.Type == mediartp.TransportFeedback && p.Count == mediartp.FormatTransportCC:
			s.replaceLost(b, tracks, p.Raw, arrival)
		case p.Type != mediartp.PayloadFeedback:
		case p.Count == mediartp.FormatPLI && len(p.Raw) >= 12:
			requestKeyFrame(tracks, binary.BigEndian.Uint32(p.Raw[8:]))
		case p.Count == mediartp.FormatFIR:
			// Entries of 8 bytes, each beginning with the SSRC (RFC 5104 section 4.3.1.1).
			for at := 12; at+8 <= len(p.Raw); at += 8 {
				requestKeyFrame(tracks, binary.BigEndian.Uint32(p.Raw[at:]))
			}
		case p.Count == mediartp.FormatApplicationREMB:
			var remb rtcp.ReceiverEstimatedMaximumBitrate
			if remb.Unmarshal(p.Raw) == nil {
				s.takeREMB(remb.Bitrate, arrival)
			}
		}
	}
}

// replaceLost takes in transport-wide feedback and sends again what it reports as lost.
func (s *Downstream) replaceLost(b *transport.Batch, tracks map[uint32]*DownTrack, raw []byte, arrival int64) {
	var lost [bwe.MaxMissing]transmission
	for _, o := range lost[:s.takeFeedback(raw, arrival, &lost)] {
		if d := tracks[o.ssrc]; d != nil {
			d.replace(b, o.seq, arrival)
		}
	}
}

// answerNACK walks the packet ids and bitmaps of a generic NACK (RFC 4585 section 6.2.1).
func answerNACK(b *transport.Batch, tracks map[uint32]*DownTrack, raw []byte, arrival int64) {
	if len(raw) < 12 {
		return
	}
	d := tracks[binary.BigEndian.Uint32(raw[8:])]
	if d == nil {
		return
	}
	for at := 12; at+4 <= len(raw); at += 4 {
		seq := binary.BigEndian.Uint16(raw[at:])
		// The packet id is the first one; a bit of the mask stands for each of the 16 after it.
		for mask := uint32(binary.BigEndian.Uint16(raw[at+2:]))<<1 | 1; mask != 0; mask >>= 1 {
			if mask&1 != 0 && !d.retransmit(b, seq, arrival) {
				return
			}
			seq++
		}
	}
}

func requestKeyFrame(tracks map[uint32]*DownTrack, ssrc uint32) {
	if d := tracks[ssrc]; d != nil {
		d.requestKeyFrame()
	}
}

// requestKeyFrame relays the wish of the receiver to the source.
func (d *DownTrack) requestKeyFrame() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.source != nil && !d.paused {
		d.source.RequestKeyFrame()
	}
}
