package mixer

import (
	"math"

	"carillon/internal/media/opus"
)

// decode appends the packet to pcm.
func (s *Source) decode(r *Room, p *popped) {
	if !s.ensureDecoder(r) {
		s.skip(p.samples)
		return
	}
	if !s.decoding {
		for _, earlier := range p.preroll[:p.prerolls] {
			_, _ = s.dec.Decode(earlier, r.work.pcm[:]) // only for the decoder's memory
		}
	}
	out := s.extend(p.samples)
	n, err := s.dec.Decode(p.payload, out)
	loudness, sane := measure(out)
	if err != nil || n != len(out) || !sane {
		clear(out) // damaged, and no concern of anybody else
		if !sane {
			s.dec, s.decoding = nil, false // its memory is as bad as its output
		}
		return
	}
	s.decoding, s.conceal = true, 0
	s.packet, s.intact = append(s.packet[:0], p.payload...), true
	if p.level == UnknownLevel {
		s.hear(loudness)
	}
}

// fillIn appends n samples in place of audio that is missing. following is the packet after the missing
// one, or empty.
func (s *Source) fillIn(r *Room, following []byte, n int) {
	if s.conceal >= maxConceal {
		s.level = SilentLevel
		if s.hang == 0 {
			s.decoding = false
		}
	}
	if !s.decoding {
		s.skip(n)
		return
	}
	s.clean = 0
	out := s.extend(n)
	err := error(nil)
	switch {
	case len(following) > 0:
		err = s.dec.DecodeFEC(following, out)
	case s.conceal < maxConceal:
		err = s.dec.Conceal(out)
	default:
		clear(out)
	}
	s.conceal += n
	if _, sane := measure(out); !sane {
		s.dec, s.decoding = nil, false
		clear(out)
	} else if err != nil {
		clear(out)
	}
}

// merge takes another packet and fades from the previous one to it, so that two play in the time of one.
func (s *Source) merge(r *Room) {
	before, n := len(s.pcm), r.work.packet.samples
	s.queue.pop(&r.work.packet, demand{again: true, spare: s.spare})
	s.take(r, &r.work.packet)
	if !s.decoding || before < n || len(s.pcm)-before != n {
		return // not two equal decoded packets: this time the delay stays
	}
	a, b := s.pcm[before-n:before], s.pcm[before:]
	for i := range a {
		w := float32(i) / float32(n)
		a[i] += (b[i] - a[i]) * w
	}
	s.pcm = s.pcm[:before]
}

// skip appends n samples of silence.
func (s *Source) skip(n int) {
	if len(s.pcm) > 0 {
		clear(s.extend(n))
		return
	}
	s.skipped += n
}

// extend makes room for n more samples in pcm and returns it. Skipped samples become real ones.
func (s *Source) extend(n int) []float32 {
	if k := s.skipped; k > 0 {
		s.skipped = 0
		clear(s.extend(k))
	}
	old := len(s.pcm)
	if old+n > cap(s.pcm) {
		s.pcm = append(make([]float32, 0, old+n+3*opus.FrameSamples), s.pcm...)
	}
	s.pcm = s.pcm[:old+n]
	return s.pcm[old:]
}

// ensureDecoder reports whether there is a decoder.
func (s *Source) ensureDecoder(r *Room) bool {
	if s.dec != nil {
		return true
	}
	dec, err := opus.NewDecoder()
	if err != nil {
		r.complain("new decoder", err)
		return false
	}
	s.dec = dec
	return true
}

// measure returns the level of a frame and whether it is audio at all: damaged packets may decode to
// anything, and one NaN would spoil the mix for everybody.
func measure(pcm []float32) (level uint8, sane bool) {
	if len(pcm) == 0 {
		return SilentLevel, true
	}
	var sum float32
	for _, v := range pcm {
		sum += v * v
	}
	power := float64(sum) / float64(len(pcm))
	if !(power < 16) { // also if NaN
		return SilentLevel, false
	}
	db := -10 * math.Log10(power+1e-20)
	return uint8(min(max(db, 0), SilentLevel)), true
}
