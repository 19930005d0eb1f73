package forwarder

import (
	"github.com/pion/rtcp"

	"carillon/internal/media/transport"
)

// noLimit takes a limit back, in bit/s: a sender remembers the last one that it was told.
const noLimit = 1_000_000_000

// limit is how much the sender may send, as it is told by REMB (draft-alvestrand-rmcat-remb-03). It is guarded by the
// Upstream's mu.
type limit struct {
	wanted int64 // bit/s, 0 = none
	told   int64 // 0 = nothing yet
	toldAt int64
}

// SetLimit bounds what the connection sends, in bit/s, beside its own congestion control; 0 = no bound. The
// sender must have negotiated REMB.
func (u *Upstream) SetLimit(bps int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.limit.wanted = bps
}

// due tells what the sender is to be told now, 0 = nothing. A limit that falls is told at once, anything else
// once a second, as browsers do it.
func (l *limit) due(now int64) int64 {
	bps := l.wanted
	if bps == 0 {
		if l.told == 0 {
			return 0 // there never was one
		}
		bps = noLimit
	}
	const margin = 0.97
	if l.told == 0 || float64(bps) < margin*float64(l.told) || now-l.toldAt >= reportPeriod {
		l.told, l.toldAt = bps, now
		return bps
	}
	return 0
}

func (u *Upstream) limitLocked(b *transport.Batch, now int64) {
	bps := u.limit.due(now)
	if bps == 0 {
		return
	}
	remb := &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: u.cfg.MediaSSRC, Bitrate: float32(bps)}
	for _, t := range u.tracks {
		if t.ssrc != 0 {
			remb.SSRCs = append(remb.SSRCs, t.ssrc)
		}
	}
	u.sendLocked(b, remb)
}
