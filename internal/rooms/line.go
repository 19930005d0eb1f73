package rooms

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// line is the quality of the way to a receiver, from its receiver reports (RFC 3550 section 6.4.2) and its
// transport-wide feedback. The reader goroutine writes it, anybody may read it.
type line struct {
	lossPermille atomic.Uint32
	rttMillis    atomic.Uint32

	// Of report and feedback alone, which are called by one goroutine at a time.
	losses  losses // of the audio
	overall losses // of all that is sent
}

const reportBlockSize = 24

// report takes in one report block.
func (l *line) report(block []byte, wall time.Time) {
	l.takeLoss(uint32(block[4])*1000/256, 2)
	l.losses.report(binary.BigEndian.Uint32(block[4:])&0xffffff, binary.BigEndian.Uint32(block[8:]))
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

// takeLoss takes in how much of what was sent is lost. It rises at once and falls by a part of the difference each time,
// so that a moment of luck, or the time between two bursts, changes nothing.
func (l *line) takeLoss(permille, part uint32) {
	if old := l.lossPermille.Load(); permille < old {
		permille = (permille + (part-1)*old) / part
	}
	l.lossPermille.Store(permille)
}

const (
	feedbackEvery   = int64(time.Second)       // how often feedback or noFeedback is called, in ns
	feedbackPackets = int(time.Second / frame) // of the audio in that time
)

// feedback takes in the share of all packets that is lost at present. Browsers send this feedback many times a second, a
// report on the audio every five seconds, and a line that loses much loses some of these, too.
func (l *line) feedback(loss float64) {
	l.takeLoss(uint32(loss*1000), 8)
	l.overall.add(feedbackPackets, loss*float64(feedbackPackets))
}

// noFeedback takes in that for a while there was none: nothing is sent that is numbered.
func (l *line) noFeedback() { l.overall.add(feedbackPackets, 0) }

// lossy tells whether the line goes on losing packets.
func (l *line) lossy() bool { return l.losses.many || l.overall.many }

func (l *line) loss() int { return int(l.lossPermille.Load()) }

func (l *line) rtt() time.Duration { return time.Duration(l.rttMillis.Load()) * time.Millisecond }

// losses tells whether a line goes on losing packets, or loses only one now and then, which concealment makes up for. A
// bucket fills with what is lost, and 1 % of what is sent runs out of it. Reports come each second or every five, so
// this counts packets and no time.
type losses struct {
	known         bool
	lost, highest uint32 // of the last report
	level         int    // hundredths of a packet
	many          bool
}

const (
	manyLosses = 300  // so full that it is more than bad luck: after 6 s of 2 %, or 1.5 s of 5 %
	mostLosses = 1000 // full; it takes 20 s without loss to empty it
	// otherStream is further than a stream can have come between two reports.
	otherStream = 1 << 15
)

// report takes in the cumulative number of packets lost and the highest sequence number (RFC 3550 section 6.4.1).
func (l *losses) report(lost, highest uint32) {
	sent, missing := int(int32(highest-l.highest)), int(int32((lost-l.lost)<<8)>>8)
	known := l.known
	l.known, l.lost, l.highest = true, lost, highest
	if !known || sent < 0 || sent > otherStream {
		return
	}
	l.add(sent, float64(max(missing, 0)))
}

// add takes in that some of so many packets are missing.
func (l *losses) add(sent int, missing float64) {
	l.level = min(max(l.level+int(100*missing)-sent, 0), mostLosses)
	switch {
	case l.level >= manyLosses:
		l.many = true
	case l.level == 0:
		l.many = false
	}
}
