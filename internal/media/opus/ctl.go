package opus

/*
#cgo pkg-config: opus
#include <opus.h>

// The request and the value of the mode are in no public header of libopus, but every release answers them.
#define SET_FORCE_MODE 11002
#define MODE_CELT_ONLY 1002

static int set_signal(void *state, int music) {
	return opus_encoder_ctl((OpusEncoder *)state, OPUS_SET_SIGNAL(music ? OPUS_SIGNAL_MUSIC : OPUS_SIGNAL_VOICE));
}

static int set_prediction(void *state, int on) {
	return opus_encoder_ctl((OpusEncoder *)state, OPUS_SET_PREDICTION_DISABLED(on ? 0 : 1));
}

static int set_celt(void *state, int only) {
	return opus_encoder_ctl((OpusEncoder *)state, SET_FORCE_MODE, (opus_int32)(only ? MODE_CELT_ONLY : OPUS_AUTO));
}
*/
import "C"

import (
	"errors"
	"unsafe"
)

var errControl = errors.New("opus: libopus refuses a setting")

// setSignal tells the encoder whether it encodes music or speech.
func (e *Encoder) setSignal(music bool) error {
	if C.set_signal(unsafe.Pointer(&e.state[0]), asInt(music)) != C.OPUS_OK {
		return errControl
	}
	return nil
}

// setCELT makes the encoder use the CELT mode only, or choose by itself.
func (e *Encoder) setCELT(only bool) error {
	if C.set_celt(unsafe.Pointer(&e.state[0]), asInt(only)) != C.OPUS_OK {
		return errControl
	}
	return nil
}

// setPrediction lets packets depend on those before them, or not.
func (e *Encoder) setPrediction(on bool) error {
	if C.set_prediction(unsafe.Pointer(&e.state[0]), asInt(on)) != C.OPUS_OK {
		return errControl
	}
	return nil
}

func asInt(on bool) C.int {
	if on {
		return 1
	}
	return 0
}
