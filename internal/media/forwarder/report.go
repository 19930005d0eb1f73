package forwarder

import (
	"time"

	"github.com/pion/rtcp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// maxReportSize is where a compound packet of sender reports ends and the next begins, in bytes.
const maxReportSize = 1000

// Tick sends the sender reports once a second and looks after the congestion control; it is to be called about
// every 20 ms.
func (s *Downstream) Tick(b *transport.Batch, now int64) {
	s.beginProbes(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reportedAt != 0 && now-s.reportedAt < reportPeriod {
		return
	}
	s.reportedAt = max(now, 1)
	ntp := ntpTime(s.cfg.Clock())
	s.buf = s.buf[:0]
	for _, d := range *s.tracks.Load() {
		d.nudge()
		s.buf = d.appendReport(s.buf, ntp, now)
		if len(s.buf) > maxReportSize {
			s.flushLocked(b)
		}
	}
	s.flushLocked(b)
}

func (s *Downstream) flushLocked(b *transport.Batch) {
	if len(s.buf) > 0 {
		_ = s.cfg.Writer.WriteRTCP(b, s.buf) // not connected, or gone
		s.buf = s.buf[:0]
	}
}

// nudge repeats the request of a DownTrack that still waits: its key frame may have been lost for good.
func (d *DownTrack) nudge() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting && !d.paused && d.source != nil && (d.codec == nil || d.pts.PT != 0) {
		d.source.RequestKeyFrame()
	}
}

// appendReport appends a sender report and the CNAME (RFC 3550 section 6.4.1, 6.5.1), if the stream runs.
func (d *DownTrack) appendReport(dst []byte, ntp uint64, now int64) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting || d.paused || d.sync.at == 0 {
		return dst
	}
	elapsed := mediartp.Ticks(max(now-d.sync.at, 0), d.codec.ClockRate)
	sr, err := rtcp.SenderReport{
		SSRC:        d.cfg.SSRC,
		NTPTime:     ntp,
		RTPTime:     d.ts.Peek(d.sync.timestamp) + elapsed,
		PacketCount: d.sent.packets,
		OctetCount:  d.sent.octets,
	}.Marshal()
	if err != nil {
		return dst
	}
	sdes, err := rtcp.NewCNAMESourceDescription(d.cfg.SSRC, d.cfg.CNAME).Marshal()
	if err != nil {
		sdes = nil // a CNAME of more than 255 bytes; the report is worth more
	}
	return append(append(dst, sr...), sdes...)
}

// ntpTime is a moment as a 64-bit NTP timestamp (RFC 3550 section 4).
func ntpTime(t time.Time) uint64 {
	const from1900To1970 = 2_208_988_800
	return uint64(t.Unix()+from1900To1970)<<32 | uint64(t.Nanosecond())<<32/1_000_000_000
}
