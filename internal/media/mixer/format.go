package mixer

import "carillon/internal/media/opus"

// Format is how a listener gets its audio: the channels and the bitrate. The zero value is mono at 32 kbit/s, which
// is plenty for speech. Formats can be compared.
type Format struct {
	stereo bool
	rate   uint8 // index in rates
}

// rates are the bitrates of mixes in bit/s. They are few, because each that somebody asks for costs an encoder.
var rates = [...]int{32_000, 40_000, 64_000, 96_000, 128_000}

// Rates in bit/s that matter elsewhere.
const (
	MaxBitrate    = 128_000 // the highest of a mix
	stereoBitrate = 64_000  // of stereo for those who do not say how much they want
	musicBitrate  = 64_000  // from here on, bits suffice to keep more than speech
)

// full is the best format. Only those who take it are given the packets of somebody who sends stereo.
var full = NewFormat(true, MaxBitrate)

// NewFormat returns the format for a listener that wants stereo, or not, and no more than maxBitrate bit/s; 0 leaves
// that open. The bitrate is the highest of a mix that is not above it, but at least 32 kbit/s: nothing that sounds
// well is below.
func NewFormat(stereo bool, maxBitrate int) Format {
	f := Format{stereo: stereo}
	if maxBitrate == 0 && stereo {
		maxBitrate = stereoBitrate
	}
	for int(f.rate)+1 < len(rates) && rates[f.rate+1] <= maxBitrate {
		f.rate++
	}
	return f
}

// Stereo reports whether the format has two channels.
func (f Format) Stereo() bool { return f.stereo }

// Bitrate is in bit/s.
func (f Format) Bitrate() int { return rates[f.rate] }

// encoder is the configuration of the encoders of this format. Complexity 5 costs half of what 9 costs and is hard to
// tell from it in speech. Music is coded without the speech coder of Opus, and with it goes its forward error
// correction; those who report loss get copies of packets either way.
func (f Format) encoder() opus.EncoderConfig {
	c := opus.EncoderConfig{Channels: 1, Bitrate: f.Bitrate(), Complexity: 5, ExpectedLoss: 10}
	if f.stereo {
		c.Channels = 2
	}
	c.Music = f.stereo || c.Bitrate >= musicBitrate
	return c
}
