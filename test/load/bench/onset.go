package bench

import (
	"sync"

	"carillon/test/load/lean"
	"carillon/test/load/sound"
)

// onsets measures the delay of mixed audio without decoding it: speech that begins after a pause makes the packets
// longer. The time counts from the sending of the first packet of speech to the arrival of the first long packet, so it
// holds the whole way through the jitter buffer, the decoder, the mix and the encoder.
type onsets struct {
	mu     sync.Mutex
	talker *lean.Flow // nil until somebody talks
	quiet  int        // short packets in a row
	last   int64      // onset that was counted last
	delay  lean.Histogram
}

// settled is how many short packets make a pause.
const settled = 8

// hear takes a packet of the mix.
func (o *onsets) hear(payload []byte, arrival int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(payload) < sound.Loud {
		o.quiet++
		return
	}
	pause := o.quiet >= settled
	o.quiet = 0
	if !pause || o.talker == nil {
		return
	}
	if sent := o.talker.Onset(); sent != 0 && sent != o.last {
		o.last = sent
		o.delay.Add(arrival - sent)
	}
}

func (o *onsets) follow(f *lean.Flow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.talker = f
}

// take returns the delays so far and begins anew.
func (o *onsets) take() lean.Histogram {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := o.delay
	o.delay, o.quiet = lean.Histogram{}, 0
	return h
}
