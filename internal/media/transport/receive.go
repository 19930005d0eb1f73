package transport

import "encoding/binary"

// handleRTP decrypts in place and hands over.
func (r *reader) handleRTP(c *Conn, datagram []byte, arrival int64) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	context := c.in.Load()
	if context == nil || !c.sources.admits(binary.BigEndian.Uint32(datagram[8:12])) {
		r.server.counters.undecrypted.Add(1)
		return
	}
	h := &r.rtpHeader
	packet, err := context.DecryptRTP(datagram[:0], datagram, h)
	if err != nil {
		r.server.counters.undecrypted.Add(1)
		return
	}
	c.sources.add(h.SSRC)
	if r.from != c.mediaFrom && c.follow(r.from) {
		c.mediaFrom = r.from
	}
	body := packet[headerSize(packet):]
	payload, ok := unpad(body, h.Padding)
	if !ok {
		r.server.counters.malformed.Add(1)
		return
	}
	h.Padding = false
	h.PaddingSize = byte(len(body) - len(payload))
	c.handler.HandleRTP(r.batch, h, payload, arrival)
}

// headerSize is the length of the header of a packet that has been parsed before (RFC 3550 section 5.1).
func headerSize(packet []byte) int {
	n := 12 + 4*int(packet[0]&0x0f)
	if packet[0]&0x10 != 0 {
		n += 4 + 4*int(binary.BigEndian.Uint16(packet[n+2:]))
	}
	return n
}

// unpad removes the padding, whose last byte says how long it is (RFC 3550 section 5.1).
func unpad(payload []byte, padded bool) ([]byte, bool) {
	if !padded {
		return payload, true
	}
	if len(payload) == 0 {
		return nil, false
	}
	n := int(payload[len(payload)-1])
	if n == 0 || n > len(payload) {
		return nil, false
	}
	return payload[:len(payload)-n], true
}

// handleRTCP decrypts in place and hands over.
func (r *reader) handleRTCP(c *Conn, datagram []byte, arrival int64) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	context := c.in.Load()
	if context == nil || !c.reporters.admits(binary.BigEndian.Uint32(datagram[4:8])) {
		r.server.counters.undecrypted.Add(1)
		return
	}
	packet, err := context.DecryptRTCP(datagram[:0], datagram, &r.rtcpHeader)
	if err != nil {
		r.server.counters.undecrypted.Add(1)
		return
	}
	c.reporters.add(binary.BigEndian.Uint32(packet[4:8]))
	c.handler.HandleRTCP(r.batch, packet, arrival)
}
