package mixer

import (
	"math"

	"carillon/internal/media/opus"
)

// decode appends the packet to pcm.
func (s *Source) decode(r *Room, p *popped) {
	before := s.dec
	if !s.ensureDecoder(r, opus.Stereo(p.payload)) {
		s.skip(p.samples)
		return
	}
	for _, earlier := range p.preroll[:p.prerolls] {
		_, _ = s.dec.Decode(earlier, r.work.pcm[:]) // only for the decoder's memory
	}
	out := s.extend(p.samples)
	raw := s.raw(r, &out)
	n, err := s.dec.Decode(p.payload, raw)
	loudness, sane := measure(raw)
	if err != nil || n != out.len() || !sane {
		out.clear() // damaged, and no concern of anybody else
		if !sane {
			s.dec, s.decoding = nil, false // its memory is as bad as its output
		}
		return
	}
	out.set(raw)
	if s.decoding && before != s.dec {
		s.goOver(r, before, p.payload, out)
	}
	s.decoding, s.conceal = true, 0
	s.keep(p.payload)
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
	raw := s.raw(r, &out)
	err := error(nil)
	switch {
	case len(following) > 0:
		err = s.dec.DecodeFEC(following, raw)
	case s.conceal < maxConceal:
		err = s.dec.Conceal(raw)
	default:
		clear(raw)
	}
	s.conceal += n
	s.takeMadeUp(&out, raw, err)
}

// takeMadeUp takes what the decoder has made up, silence if it failed, and reports whether the decoder is still of use.
func (s *Source) takeMadeUp(out *audio, raw []float32, err error) (sane bool) {
	if _, sane = measure(raw); !sane {
		s.dec, s.decoding = nil, false
	}
	if !sane || err != nil {
		clear(raw)
	}
	out.set(raw)
	return sane
}

// rest appends n samples of a pause that the sender makes. As long as the source is heard, they are what the decoder makes
// of nothing, which sounds like the silence before.
func (s *Source) rest(r *Room, n int) {
	s.level = SilentLevel
	if s.hang == 0 {
		s.decoding = false
	}
	if !s.decoding {
		s.skip(n)
		if !s.refused {
			s.keepPause(n)
		}
		return
	}
	out := s.extend(n)
	raw := s.raw(r, &out)
	if s.takeMadeUp(&out, raw, s.dec.Conceal(raw)) {
		s.keepPause(n)
	}
}

// keep notes a packet that may be passed on.
func (s *Source) keep(payload []byte) {
	s.latest, s.intact, s.toc = append(s.latest[:0], payload...), true, payload[0]
}

// keepPause notes what stands for n samples of a pause in a stream that has a packet for each frame: one of the same kind
// as the last, in which nothing is coded (RFC 6716 section 3.1).
func (s *Source) keepPause(n int) {
	s.latest = append(s.latest[:0], s.toc&^3)
	s.intact = opus.PacketSamples(s.latest) == n
}

// goOver makes the first packet of stereo, of which a new decoder has made out, follow what the decoder before has made:
// that one still decodes it, in mono, and the sides come in gradually. A decoder of speech is right only from the
// second packet on.
func (s *Source) goOver(r *Room, before *opus.Decoder, payload []byte, out audio) {
	mono := r.work.pcm[:out.len()]
	if n, err := before.Decode(payload, mono); err != nil || n != len(mono) {
		return
	}
	copy(out.mid, mono)
	for i := range out.side {
		out.side[i] *= float32(i) / float32(len(out.side))
	}
}

// raw is where the decoder writes: the mid of out itself, or a place for both channels.
func (s *Source) raw(r *Room, out *audio) []float32 {
	if s.dec.Channels() == 1 {
		return out.mid
	}
	return r.work.pcm[:2*out.len()]
}

// merge takes another packet and fades from the previous one to it, so that two play in the time of one.
func (s *Source) merge(r *Room) {
	before, n := s.pcm.len(), r.work.packet.samples
	s.queue.pop(&r.work.packet, demand{again: true, narrow: s.narrow(), spare: s.spare})
	s.take(r, &r.work.packet, 0)
	if !s.decoding || before < n || s.pcm.len()-before != n {
		return // not two equal decoded packets: this time the delay stays
	}
	fade(s.pcm.mid[before-n:before], s.pcm.mid[before:])
	if s.pcm.wide {
		fade(s.pcm.side[before-n:before], s.pcm.side[before:])
	}
	s.pcm.cut(before)
}

// skip appends n samples of silence.
func (s *Source) skip(n int) {
	if s.pcm.len() > 0 {
		out := s.extend(n)
		out.clear()
		return
	}
	s.skipped += n
}

// extend makes room for n more samples in pcm and returns it. Skipped samples become real ones.
func (s *Source) extend(n int) audio {
	if s.skipped > 0 {
		s.pcm.silence(s.skipped)
		s.skipped = 0
	}
	return s.pcm.extend(n)
}

// ensureDecoder reports whether there is a decoder for a packet. The decoder has as many channels as the packet;
// only when one of stereo is at work it goes on for mono, too, until the source has nothing to say.
func (s *Source) ensureDecoder(r *Room, stereo bool) bool {
	channels := 1
	if stereo {
		channels = 2
	}
	if s.dec == nil || s.dec.Channels() < channels || s.dec.Channels() > channels && !s.decoding {
		dec, err := opus.NewDecoder(channels)
		if err != nil {
			r.complain("new decoder", err)
			return false
		}
		s.dec = dec
	}
	s.pcm.setWide(s.dec.Channels() == 2)
	return true
}

// narrow reports whether a stereo packet would need another decoder than there is.
func (s *Source) narrow() bool { return s.dec != nil && s.dec.Channels() == 1 }

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
