package lean

import (
	"time"

	"github.com/pion/rtcp"
)

// handleRTCP obeys key frame requests; nothing else is of interest.
func (c *Conn) handleRTCP(datagram []byte) {
	context := c.in.Load()
	c.mu.Lock()
	flows := c.flows
	c.mu.Unlock()
	if context == nil || len(flows) == 0 {
		return
	}
	plain, err := context.DecryptRTCP(nil, datagram, nil)
	if err != nil {
		return
	}
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		return
	}
	for _, p := range packets {
		switch p.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			for _, ssrc := range p.DestinationSSRC() {
				for _, f := range flows {
					if f.cfg.SSRC == ssrc {
						f.wantKey.Store(true)
					}
				}
			}
		}
	}
}

// plenty is the bandwidth that receivers believe they have.
const plenty = 100e6

// report sends a sender report for each flow and a receiver report on what arrives, with an estimate of the bandwidth
// as browsers send it (REMB).
func (c *Conn) report(now int64) {
	blocks, ssrcs := c.reception()
	var packets []rtcp.Packet
	c.mu.Lock()
	for _, f := range c.flows {
		packets = append(packets, &rtcp.SenderReport{
			SSRC: f.cfg.SSRC, NTPTime: ntp(now), RTPTime: f.timestamp, PacketCount: uint32(f.Sent()), OctetCount: f.octets,
		})
	}
	c.mu.Unlock()
	if len(blocks) > 0 || len(packets) == 0 {
		packets = append(packets, &rtcp.ReceiverReport{SSRC: c.ssrc, Reports: blocks})
	}
	if len(ssrcs) > 0 {
		packets = append(packets, &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: c.ssrc, Bitrate: plenty, SSRCs: ssrcs})
	}
	raw, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out == nil || c.closed.Load() {
		return
	}
	if protected, err := c.out.EncryptRTCP(nil, raw, nil); err == nil {
		c.outgo.add(protected)
		c.outgo.flush(int(c.fd))
	}
}

// maxBlocks is what a report has room for (RFC 3550 section 6.4.1).
const maxBlocks = 31

func (c *Conn) reception() (blocks []rtcp.ReceptionReport, video []uint32) {
	r := &c.received
	r.mu.Lock()
	defer r.mu.Unlock()
	for ssrc, s := range r.streams {
		if len(blocks) < maxBlocks {
			blocks = append(blocks, rtcp.ReceptionReport{SSRC: ssrc, LastSequenceNumber: s.highest})
		}
		if !s.Audio {
			video = append(video, ssrc)
		}
	}
	return blocks, video
}

// nextTransport numbers packets across all streams of a connection. c.mu is held.
func (c *Conn) nextTransport() uint16 {
	c.transport++
	return c.transport
}

// ntp is a moment of Now in the form of RFC 3550 section 4.
func ntp(now int64) uint64 {
	const secondsTo1970 = 2208988800
	at := epoch.Add(time.Duration(now))
	return uint64(at.Unix()+secondsTo1970)<<32 | uint64(at.Nanosecond())<<32/1e9
}
