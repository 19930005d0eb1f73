package rooms

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// line is the quality of the way to a receiver, from its receiver reports (RFC 3550 section 6.4.2). The reader
// goroutine writes it, anybody may read it.
type line struct {
	lossPermille atomic.Uint32
	rttMillis    atomic.Uint32
}

const reportBlockSize = 24

// report takes in one report block. Loss rises at once and falls by half with each report, so that a moment of luck
// changes nothing.
func (l *line) report(block []byte, wall time.Time) {
	now := uint32(block[4]) * 1000 / 256
	if old := l.lossPermille.Load(); now < old {
		now = (now + old) / 2
	}
	l.lossPermille.Store(now)
	sent, held := binary.BigEndian.Uint32(block[16:]), binary.BigEndian.Uint32(block[20:])
	if sent == 0 {
		return // it has had no sender report yet
	}
	// In units of 1/65536 s; the difference of clocks that were read on this machine, so it can only be too large.
	rtt := uint32(ntpTime(wall)>>16) - sent - held
	if rtt < 60<<16 {
		l.rttMillis.Store(uint32(uint64(rtt) * 1000 >> 16))
	}
}

func (l *line) loss() int { return int(l.lossPermille.Load()) }

func (l *line) rtt() time.Duration { return time.Duration(l.rttMillis.Load()) * time.Millisecond }
