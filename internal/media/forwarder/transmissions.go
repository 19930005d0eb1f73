package forwarder

import "carillon/internal/media/bwe"

// transmissionsKept is of how many of the last transport-wide numbers is known what went under them. A line that loses much
// does not carry many packets per second.
const transmissionsKept = 256

// transmissions tells what went under a transport-wide number, so that what feedback reports as lost can be sent again: on a line
// that loses much, receivers ask in vain as often, and feedback comes soon after the next sound, which need not wait for the
// next picture. It is guarded by the lock of the pacing.
type transmissions struct {
	ring []transmission // by transport-wide number; nil until begin
}

// transmission is a packet of a DownTrack, which may have gone several times.
type transmission struct {
	ssrc      uint32 // of the DownTrack; 0 = none
	seq       uint16 // of the packet, also of one that was sent by RTX
	transport uint16
}

// begin has what goes from now on noted: the line loses packets again and again, as most never do.
func (o *transmissions) begin() {
	if o.ring == nil {
		o.ring = make([]transmission, transmissionsKept)
	}
}

// add notes what goes under a number.
func (o *transmissions) add(transport uint16, kind bwe.Kind, ssrc uint32, seq uint16) {
	if o.ring == nil || kind != bwe.KindVideo && kind != bwe.KindRetransmission {
		return
	}
	o.ring[transport%transmissionsKept] = transmission{ssrc: ssrc, seq: seq, transport: transport}
}

// missing returns, after begin, the packet that was lost under a number, if none of the other times it went may have reached
// its receiver.
func (o *transmissions) missing(transport uint16, control *bwe.Controller) (lost transmission, ok bool) {
	lost = o.ring[transport%transmissionsKept]
	if lost.ssrc == 0 || lost.transport != transport {
		return lost, false
	}
	for _, other := range o.ring {
		if other.ssrc == lost.ssrc && other.seq == lost.seq && other.transport != transport && !control.Lost(other.transport) {
			return lost, false
		}
	}
	return lost, true
}
