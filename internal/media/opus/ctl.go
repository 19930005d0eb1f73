package opus

/*
#cgo pkg-config: opus
#include <opus.h>

// The request and the value of the mode are in no public header of libopus, but every release answers them.
#define SET_FORCE_MODE 11002
#define MODE_CELT_ONLY 1002

static int set_voice(void *state) {
	return opus_encoder_ctl((OpusEncoder *)state, OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
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

// setVoice tells the encoder that it encodes speech.
func (e *Encoder) setVoice() error {
	if C.set_voice(unsafe.Pointer(&e.state[0])) != C.OPUS_OK {
		return errControl
	}
	return nil
}

// setCELT makes the encoder use the CELT mode only, or choose by itself.
func (e *Encoder) setCELT(only bool) error {
	value := C.int(0)
	if only {
		value = 1
	}
	if C.set_celt(unsafe.Pointer(&e.state[0]), value) != C.OPUS_OK {
		return errControl
	}
	return nil
}
