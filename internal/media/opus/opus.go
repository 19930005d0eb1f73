// Package opus is the audio codec of the media plane: mono or stereo, 48 kHz, on top of libopus, with an encoder that
// can take over the stream of another one.
//
// It fixes the settings that conference audio needs, keeps every buffer in the caller's hands and
// never allocates after construction, so that coding a frame costs what libopus costs. Samples are
// float32 in [-1, 1]; decoded audio may overshoot that range a little. Stereo is interleaved, left first, and
// durations and counts of samples are always for each channel. Codec state lives in Go memory:
// there is nothing to close. A Decoder or an Encoder belongs to one goroutine at a time.
package opus

// Sizes of audio at the only sample rate used here (RFC 7587 section 4.1: the RTP clock is 48 kHz too).
const (
	SampleRate       = 48000
	FrameSamples     = 960  // 20 ms, what an Encoder takes
	MaxPacketSamples = 5760 // 120 ms, the longest Opus packet (RFC 6716 section 3.2.5)
	EncoderDelay     = 312  // 6.5 ms, by which a decoded stream is behind what its Encoder was given
)

// PacketSamples returns how many samples at 48 kHz the packet holds, from its table-of-contents byte
// (RFC 6716 section 3.1), or 0 if the packet cannot be valid Opus.
func PacketSamples(packet []byte) int {
	if len(packet) == 0 {
		return 0
	}
	frames := 1
	switch packet[0] & 3 {
	case 1, 2:
		frames = 2
	case 3:
		if len(packet) < 2 {
			return 0
		}
		frames = int(packet[1] & 0x3f)
	}
	n := frames * frameSamples(packet[0]>>3)
	if n > MaxPacketSamples {
		return 0
	}
	return n
}

// Stereo reports whether the packet is coded in stereo, from its table-of-contents byte (RFC 6716 section 3.1).
func Stereo(packet []byte) bool { return len(packet) > 0 && packet[0]&4 != 0 }

// HasFEC reports whether a packet of one frame carries the frame before it once more (RFC 6716 section 4.2.4). It is
// false for packets of several frames.
func HasFEC(packet []byte) bool {
	const celtOnly = 16 // first configuration (RFC 6716 section 3.1)
	if len(packet) < 2 || packet[0]&3 != 0 || packet[0]>>3 >= celtOnly {
		return false
	}
	// One flag for each 20 ms says whether there is speech, the next one whether there is such a copy (section 4.2.3).
	frames := max(1, frameSamples(packet[0]>>3)/FrameSamples)
	flags := packet[1] << frames
	if Stereo(packet) {
		return flags&0x80 != 0 || flags<<(1+frames)&0x80 != 0
	}
	return flags&0x80 != 0
}

// frameSamples is table 2 of RFC 6716 section 3.1.
func frameSamples(config byte) int {
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [4]int{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		return 480 << (config & 1)
	default: // CELT: 2.5, 5, 10, 20 ms
		return 120 << (config & 3)
	}
}
