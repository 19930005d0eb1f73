package mixer

import "carillon/internal/media/opus"

// coding is how a mix is encoded. Coded as speech, it has the forward error correction that lines need which lose packets.
type coding struct {
	Format
	speech bool
}

// coding returns how a listener is served. At these bitrates speech, too, sounds better when it is coded as any sound is
// (TestQualityOfSpeech), for a third of the CPU. The speech coder of Opus is left for lines that lose packets, because it
// alone has forward error correction. It gets by on fewer bits, too, and such a line may be a narrow one. There is no
// such correction of music; those who report much loss get copies of packets either way.
func (f Format) coding(lossy bool) coding {
	rate := f.Bitrate()
	return coding{f, !f.stereo && (rate < soundBitrate || lossy && rate < musicBitrate)}
}

// encoder is the configuration of the encoder. Complexity 5 is the least at which voices of a high pitch lose nothing.
// It costs half as much again as 1 to 4 do, and half of 9 in speech.
func (c coding) encoder() opus.EncoderConfig {
	e := opus.EncoderConfig{Channels: 1, Music: !c.speech, Bitrate: c.Bitrate(), Complexity: 5, ExpectedLoss: 10}
	switch {
	case c.stereo:
		e.Channels = 2
	case c.speech && e.Bitrate == usualBitrate:
		e.Bitrate = speechBitrate
	case !c.speech && e.Bitrate < musicBitrate:
		e.ExpectedLoss = 0 // or the line would get the other coding
	}
	return e
}

// patience is for how many steps a change of coding waits for a pause.
const patience = 100

// coding returns how the listener is served in this step. From one coding to the other its decoder changes over within
// one packet, for which a pause is the best time. Music has none, nor has a noisy room.
func (s *Sink) coding() coding {
	c := s.format.Load().coding(s.lossy.Load())
	if s.mix == nil || s.mix.coding.Format != c.Format || s.mix.coding == c || s.mix.calm || s.waited >= patience {
		s.waited = 0
		return c
	}
	s.waited++
	return s.mix.coding
}
