// Package lean holds WebRTC clients that cost next to nothing, to load a media server with hundreds of them from one
// process: an ICE agent that knows one address of the server, DTLS in the active role, SRTP, and packets made in
// advance. There is no jitter buffer, no codec and no congestion control.
//
// An Engine has two goroutines for everything that happens after the handshakes: one waits for all sockets at once
// (epoll) and reads them in batches, one sends at the right moments. Received packets are counted by their header,
// which SRTP leaves readable; of every 16 packets of a stream one is decrypted, which proves that what is delivered is
// genuine and tells how long it was under way. Sockets do not ask for generic receive offload, so that a server that
// sends segmented pays for the segmentation, as it would in front of a network card.
package lean
