package transport

import (
	"github.com/pion/rtp"

	"carillon/internal/errs"
)

// maxOverhead is the most that SRTP or SRTCP adds to a packet: a 16-byte tag and a 4-byte index (RFC 7714 section 9).
const maxOverhead = 20

// WriteRTP protects one packet straight into b; it leaves with b's next Flush. The header's SSRC may only be used with
// ever increasing sequence numbers, because SRTP must not protect two packets under one index (RFC 3711 section 9.1).
// Before the connection is up, and after it is closed, the packet is dropped and an error returned.
// Neither h nor payload is kept or changed. It does not allocate.
func (c *Conn) WriteRTP(b *Batch, h *rtp.Header, payload []byte) error {
	size := rtp.PacketMarshalSize(h, payload)
	buffer, err := b.reserve(size + maxOverhead)
	if err != nil {
		return err
	}
	n, err := rtp.MarshalPacketTo(buffer, h, payload)
	if err != nil {
		return errs.Wrap(err, errs.Internal, "marshal an RTP packet")
	}
	datagram, to, err := c.out.protectRTP(buffer, n)
	if err != nil {
		return err
	}
	b.commit(c, to, datagram)
	return nil
}

// WritePacket is WriteRTP for a packet that has been marshalled already.
func (c *Conn) WritePacket(b *Batch, packet []byte) error {
	buffer, err := b.reserve(len(packet) + maxOverhead)
	if err != nil {
		return err
	}
	datagram, to, err := c.out.protectRTP(buffer, copy(buffer, packet))
	if err != nil {
		return err
	}
	b.commit(c, to, datagram)
	return nil
}

// WriteRTCP protects one compound packet straight into b. Otherwise it is like WriteRTP.
func (c *Conn) WriteRTCP(b *Batch, packet []byte) error {
	if len(packet) < 8 {
		return errs.New(errs.Internal, "an RTCP packet is too short")
	}
	buffer, err := b.reserve(len(packet) + maxOverhead)
	if err != nil {
		return err
	}
	n := copy(buffer, packet)
	datagram, to, err := c.out.protectRTCP(buffer, n)
	if err != nil {
		return err
	}
	b.commit(c, to, datagram)
	return nil
}

// protectRTP encrypts the first n bytes of buffer in place and says where they go. The unlocking is deferred because a
// panic here is recovered, and the connection must still be closable then.
func (o *outgoing) protectRTP(buffer []byte, n int) (datagram []byte, to path, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.context == nil {
		return nil, to, errNotConnected
	}
	datagram, err = o.context.EncryptRTP(buffer, buffer[:n], &o.rtpHeader)
	return datagram, o.to, errs.Wrap(err, errs.Internal, "protect an RTP packet")
}

// protectRTCP is the same for RTCP.
func (o *outgoing) protectRTCP(buffer []byte, n int) (datagram []byte, to path, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.context == nil {
		return nil, to, errNotConnected
	}
	datagram, err = o.context.EncryptRTCP(buffer, buffer[:n], &o.rtcpHeader)
	return datagram, o.to, errs.Wrap(err, errs.Internal, "protect an RTCP packet")
}

// errNotConnected is shared because it is returned for every packet until a connection is up.
var errNotConnected = errs.New(errs.Unavailable, "The media connection is not up.")
