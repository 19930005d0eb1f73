// Package bwe decides how much may be sent to one receiver, when, and which layers of which videos that is:
// send-side bandwidth estimation, pacing, probing and the allocation of layers.
//
// A Controller belongs to one receiver. It numbers the packets that are sent, learns from transport-wide
// feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01) how they arrived, and estimates the
// bandwidth by delay and by loss after draft-ietf-rmcat-gcc-02. Allocate is a pure function that spends
// what Controller.Budget allows.
//
// The package does no I/O, starts no goroutine and reads no clock: times are nanoseconds of one monotonic
// clock, rates are bit/s, sizes are bytes. Nothing in it is safe for concurrent use; the owner of a
// receiver holds one lock around its Controller. Nothing allocates once a Controller has grown to the
// traffic it carries.
package bwe

const (
	millisecond = 1_000_000
	second      = 1_000_000_000
)

// Kind is what a packet is for. It decides who goes first.
type Kind uint8

// The kinds, in the order in which they leave.
const (
	KindAudio          Kind = iota // never held back
	KindRetransmission             // before the video that is queued
	KindVideo
	KindPadding // probes; sent when due, never queued
)
