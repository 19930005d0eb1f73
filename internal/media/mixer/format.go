package mixer

import "cmp"

// Format is how a listener gets its audio: the channels and the bitrate. The zero value is the usual one, mono at
// 48 kbit/s, which is plenty for speech. Formats can be compared.
type Format struct {
	stereo  bool
	bitrate int // one of rates; 0 = usualBitrate
}

// rates are the bitrates of mixes in bit/s. They are few, because each that somebody asks for costs an encoder.
var rates = [...]int{speechBitrate, soundBitrate, usualBitrate, musicBitrate, 96_000, MaxBitrate}

// Rates in bit/s that matter elsewhere.
const (
	MaxBitrate    = 128_000 // the highest of a mix
	stereoBitrate = 64_000  // of stereo for those who do not say how much they want
	musicBitrate  = 64_000  // from here on, bits suffice to keep more than speech
	usualBitrate  = 48_000  // of mono for those who do not say how much they want
	soundBitrate  = 40_000  // from here on, speech sounds no better with the speech coder
	speechBitrate = 32_000  // of the speech coder, if nobody asks for more
)

// full is the best format. Only those who take it are given the packets of somebody who sends stereo.
var full = NewFormat(true, MaxBitrate)

// NewFormat returns the format for a listener that wants stereo, or not, and no more than maxBitrate bit/s; 0 leaves
// that open. The bitrate is the highest of a mix that is not above it, but at least 32 kbit/s: nothing that sounds
// well is below.
func NewFormat(stereo bool, maxBitrate int) Format {
	if maxBitrate == 0 {
		maxBitrate = usualBitrate
		if stereo {
			maxBitrate = stereoBitrate
		}
	}
	f := Format{stereo: stereo, bitrate: rates[0]}
	for _, rate := range rates {
		if rate <= maxBitrate {
			f.bitrate = rate
		}
	}
	if f.bitrate == usualBitrate {
		f.bitrate = 0
	}
	return f
}

// Stereo reports whether the format has two channels.
func (f Format) Stereo() bool { return f.stereo }

// Bitrate is in bit/s.
func (f Format) Bitrate() int { return cmp.Or(f.bitrate, usualBitrate) }
