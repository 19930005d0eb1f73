// Package rtp holds the small pure pieces that a video forwarder is made of: sequence-number and
// timestamp rewriting, a look into VP8, VP9, H.264 and AV1 payloads and dependency descriptors, RTX (RFC 4588), the list of missing packets
// behind NACK (RFC 4585), reception statistics (RFC 3550) and the transport-wide congestion control
// recorder.
//
// Nothing here does I/O, starts a goroutine, takes a lock or reads a clock: times are arguments, in
// nanoseconds of one monotonic clock. No type is safe for concurrent use; each has one owner that
// guards it. Everything that reads bytes from the network accepts any input.
//
// Sequence numbers are handled as extended sequence numbers: int64, counted without wrap-around from
// the first packet seen. Their low 16 bits are the number on the wire.
package rtp
