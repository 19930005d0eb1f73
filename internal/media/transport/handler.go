package transport

import "github.com/pion/rtp"

// Handler is what a Conn calls. None of its methods may block: the packet methods run on the goroutine that reads the
// socket for everybody, or on that of a TCP peer or a relayed one, and the others delay timeouts. The packet methods of
// one Handler are never called at the same time, those of different ones are. Slices and headers are only valid during the call. What the
// packet methods write into b leaves when the reader has handled the datagrams at hand. A panic in a Handler ends its
// own connection only.
type Handler interface {
	// HandleRTP takes one decrypted packet without its padding, of which h.PaddingSize bytes were removed. The header is
	// reused for the next one.
	// arrival is on the clock of Now.
	HandleRTP(b *Batch, h *rtp.Header, payload []byte, arrival int64)
	// HandleRTCP takes one decrypted compound packet (RFC 3550 section 6.1), not validated further.
	HandleRTCP(b *Batch, packet []byte, arrival int64)
	// HandleConnected is called once, on a goroutine of the connection, when ICE and DTLS are done. Writing works from
	// then on; no packet is handed over before it returns.
	HandleConnected()
	// HandleClosed is called at most once, on any goroutine, when the connection ended by itself: the peer fell silent
	// or closed, DTLS failed, or the Handler panicked. It is not called after Close.
	HandleClosed(err error)
}
