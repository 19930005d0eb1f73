package lean

import (
	"math/rand/v2"

	"carillon/test/load/sound"
)

// What Chromium sends with DTX, as measured: in silence, the first 10 frames as ever, and then in every 21 frames one
// packet of a single byte and one, right before the next of these, that tells how the silence sounds. That is 4.8 packets
// per second. It is the same for a muted track and for pauses of speech.
const (
	silenceSent   = 10
	silencePeriod = 21
	silentLevel   = 127 // RFC 6464
)

// discontinuous returns what is sent of a frame: the packet, only its first byte, or nil for nothing.
func (f *Flow) discontinuous(packet []byte) []byte {
	if f.level[0]&silentLevel != silentLevel {
		f.silent = 0
		return packet
	}
	f.silent++
	switch n := f.silent - silenceSent - 1; {
	case n < 0 || n%silencePeriod == silencePeriod-1:
		return packet
	case n%silencePeriod == 0:
		return []byte{packet[0] &^ 3} // one frame, nothing coded (RFC 6716 section 3.1)
	}
	return nil
}

// silentFrames is how long a stream that says nothing has been silent when it begins. Muted clients do not all send in the
// same moment.
func silentFrames(say []sound.Packet) int {
	for _, p := range say {
		if p.Level&silentLevel != silentLevel {
			return 0
		}
	}
	return silenceSent + rand.IntN(silencePeriod)
}
