package bench

import (
	"sync"

	"carillon/internal/media/opus"
	"carillon/test/load/lean"
)

// onsets measures the delay of mixed audio at one listener, whose packets are decoded: from the sending of the first
// packet of speech after a pause of all who talk to the arrival of the first packet that has sound in it. So it holds the
// whole way through the jitter buffer, the decoder, the mix and the encoder. Where talkers never pause together there is
// nothing to measure.
type onsets struct {
	mu      sync.Mutex
	talkers []*lean.Flow
	decoder *opus.Decoder // nil until something is heard
	pcm     []float32
	quiet   int   // packets without sound in a row
	loud    int64 // arrival of the last one with sound
	delay   lean.Histogram
}

const (
	settled = 8 // packets without sound that make a pause
	// audible is the mean square of a packet with sound, 60 dB below full scale.
	audible = 1e-6
)

// hear takes a packet of the mix.
func (o *onsets) hear(payload []byte, arrival int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.power(payload) < audible {
		o.quiet++
		return
	}
	before, pause := o.loud, o.quiet >= settled
	o.quiet, o.loud = 0, arrival
	if sent := o.first(before); pause && sent != 0 {
		o.delay.Add(arrival - sent)
	}
}

// power is the mean square of the samples of a packet, 0 for one that cannot be decoded.
func (o *onsets) power(payload []byte) float64 {
	if o.decoder == nil {
		var err error
		if o.decoder, err = opus.NewDecoder(1); err != nil {
			return 0
		}
		o.pcm = make([]float32, opus.MaxPacketSamples)
	}
	n, err := o.decoder.Decode(payload, o.pcm)
	if err != nil || n == 0 {
		return 0
	}
	sum := 0.0
	for _, sample := range o.pcm[:n] {
		sum += float64(sample) * float64(sample)
	}
	return sum / float64(n)
}

// first is when speech began first after a time, 0 if it has not.
func (o *onsets) first(after int64) (sent int64) {
	for _, f := range o.talkers {
		if at := f.Onset(); at > after && (sent == 0 || at < sent) {
			sent = at
		}
	}
	return sent
}

func (o *onsets) follow(f *lean.Flow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.talkers = append(o.talkers, f)
}

// take returns the delays so far and begins anew.
func (o *onsets) take() lean.Histogram {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := o.delay
	o.delay, o.quiet = lean.Histogram{}, 0
	return h
}
