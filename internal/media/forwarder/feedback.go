package forwarder

import (
	"github.com/pion/rtcp"

	mediartp "carillon/internal/media/rtp"
	"carillon/internal/media/transport"
)

// Periods of the feedback to a sender, in ns.
const (
	feedbackPeriod   = 100_000_000   // transport-wide congestion control
	reportPeriod     = 1_000_000_000 // sender and receiver reports
	keyFrameInterval = 500_000_000   // between two requests
	keyFrameRepeat   = 1_000_000_000 // of a request that was not answered
	maxReportBlocks  = 31            // RFC 3550 section 6.4.1
	suspectFor       = 200_000_000   // from the last packet of a track: one that is being sent has a picture more often
)

// HandleRTCP takes in the sender reports of a compound packet; Downstream.HandleRTCP takes the rest.
func (u *Upstream) HandleRTCP(_ *transport.Batch, data []byte, arrival int64) {
	for p := range mediartp.Compound(data) {
		var sr rtcp.SenderReport
		if p.Type == mediartp.SenderReport && sr.Unmarshal(p.Raw) == nil {
			u.senderReport(&sr, arrival)
		}
	}
}

func (u *Upstream) senderReport(sr *rtcp.SenderReport, arrival int64) {
	u.mu.Lock()
	if u.audio.ssrc == sr.SSRC {
		u.audio.stats.SenderReport(sr.NTPTime, arrival)
	}
	r, ok := u.routes[sr.SSRC]
	if ok && !r.rtx {
		r.track.reception.SenderReport(sr.NTPTime, arrival)
		r.track.report.Store(&senderClock{ntp: sr.NTPTime, timestamp: sr.RTPTime, at: arrival})
	}
	u.mu.Unlock()
	if ok && !r.rtx {
		for _, d := range *r.track.fanOut.Load() {
			d.synchronize(r.track, sr.RTPTime, arrival)
		}
	}
}

// Tick does the periodic work; it is to be called about every 20 ms.
func (u *Upstream) Tick(b *transport.Batch, now int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.nacksLocked(b, now)
	for _, t := range u.tracks {
		u.keyFrameLocked(b, t, now)
		if s, ok := t.count.close(now); ok {
			t.stats.Store(&s)
		}
	}
	if now-u.sent.feedback >= feedbackPeriod && u.twcc.Pending() {
		u.sent.feedback = now
		for u.twcc.Pending() {
			if u.buf = u.twcc.AppendFeedback(u.buf[:0], u.cfg.MediaSSRC, u.twccSSRC); len(u.buf) > 0 {
				u.writeLocked(b, u.buf)
			}
		}
	}
	u.limitLocked(b, now)
	if now-u.sent.reports >= reportPeriod {
		u.sent.reports = now
		u.reportLocked(b, now)
	}
}

// suspectLocked is told that packets of the connection were lost, beside those of which the track is known. They
// may be the last of a picture, of any track that is being sent.
func (u *Upstream) suspectLocked(lost, now int64) {
	if lost <= 0 {
		return
	}
	for _, t := range u.tracks {
		if now-t.lastPacket.Load() < suspectFor && len(*t.fanOut.Load()) > 0 {
			t.missing.Suspect(lost, now)
		}
	}
}

// nacksLocked asks for what is missing. It runs with each packet too: a gap is asked for when it is seen, and
// again as soon as that makes sense.
func (u *Upstream) nacksLocked(b *transport.Batch, now int64) {
	for _, t := range u.tracks {
		u.nackLocked(b, t, now)
	}
}

func (u *Upstream) nackLocked(b *transport.Batch, t *UpTrack, now int64) {
	if t.missing.Len() == 0 {
		return
	}
	due, gaveUp := t.missing.Due(now, u.seqs[:0])
	u.seqs = due
	if gaveUp {
		t.RequestKeyFrame()
	}
	if len(due) == 0 {
		return
	}
	u.buf = mediartp.AppendNACK(u.buf[:0], u.cfg.MediaSSRC, t.ssrc, due)
	u.writeLocked(b, u.buf)
}

// keyFrameLocked sends the request that is due, if anybody watches and the stream is known.
func (u *Upstream) keyFrameLocked(b *transport.Batch, t *UpTrack, now int64) {
	if !t.wantsKey.Load() || t.ssrc == 0 || len(*t.fanOut.Load()) == 0 {
		return
	}
	wait := int64(keyFrameInterval)
	if t.asked {
		wait = keyFrameRepeat
	}
	if t.everAsked && now-t.askedAt < wait {
		return
	}
	t.asked, t.everAsked, t.askedAt = true, true, now
	u.sendLocked(b, &rtcp.PictureLossIndication{SenderSSRC: u.cfg.MediaSSRC, MediaSSRC: t.ssrc})
}

func (u *Upstream) reportLocked(b *transport.Batch, now int64) {
	rr := rtcp.ReceiverReport{SSRC: u.cfg.MediaSSRC}
	if u.audio.stats.Started() {
		rr.Reports = append(rr.Reports, u.audio.stats.Report(u.audio.ssrc, now))
	}
	for _, t := range u.tracks {
		if t.reception.Reportable() && len(rr.Reports) < maxReportBlocks {
			rr.Reports = append(rr.Reports, t.reception.Report(t.ssrc, now))
		}
	}
	if len(rr.Reports) > 0 {
		u.sendLocked(b, &rr)
	}
}

func (u *Upstream) sendLocked(b *transport.Batch, p rtcp.Packet) {
	if raw, err := p.Marshal(); err == nil {
		u.writeLocked(b, raw)
	}
}

func (u *Upstream) writeLocked(b *transport.Batch, raw []byte) {
	// An error means not connected yet, or gone; feedback is worthless later.
	_ = u.cfg.Writer.WriteRTCP(b, raw)
}
