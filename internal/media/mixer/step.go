package mixer

// Step mixes the next 20 ms and calls deliver exactly once for every sink, in no particular order.
// opusFrame is one 20 ms mono Opus packet, valid until deliver returns; it may be shared with other
// sinks and must not be changed. talk says whether anybody can be heard in it.
// Step must be called by one goroutine at a time.
func (r *Room) Step(deliver func(s *Sink, opusFrame []byte, talk bool)) {
	m := r.members.Load()
	r.step++
	r.listen(m.sources)
	r.assign(m.sinks)
	r.encode()
	r.talkers.release()
	for _, s := range m.sinks {
		deliver(s, s.mix.packet(), s.mix.talk)
	}
}

// listen takes the next frame of every source and finds out who talks.
func (r *Room) listen(sources []*Source) {
	r.talkers.begin(r.step)
	for _, s := range sources {
		if s.advance(r) {
			r.talkers.admit(s)
		}
	}
	r.talkers.sum(&r.work.sum)
}

// assign finds the mix that each sink hears in this step.
func (r *Room) assign(sinks []*Sink) {
	for _, s := range sinks {
		set := s.excludes(&r.talkers)
		if s.mix == nil || s.mix.without != set {
			s.mix = r.mixWithout(set, s.mix)
		}
		s.mix.heard = r.step
	}
}

// mixWithout returns the mix without the talkers in set. If there is none yet, it is made to continue
// previous, which may be nil.
func (r *Room) mixWithout(set talkerSet, previous *mix) *mix {
	for _, m := range r.mixes {
		if m.without == set {
			return m
		}
	}
	m := r.newMix()
	m.start(set, previous)
	r.mixes = append(r.mixes, m)
	return m
}

// newMix returns an unused mix.
func (r *Room) newMix() *mix {
	if n := len(r.idleMixes); n > 0 {
		m := r.idleMixes[n-1]
		r.idleMixes = r.idleMixes[:n-1]
		return m
	}
	m, err := newMix()
	if err != nil {
		r.complain("new encoder", err)
	}
	return m
}

// encode encodes the mixes that somebody hears and sets the others aside. No sink refers to a mix that
// it did not hear in this step, so those set aside are free for reuse.
func (r *Room) encode() {
	kept := r.mixes[:0]
	for _, m := range r.mixes {
		if m.heard != r.step {
			r.idleMixes = append(r.idleMixes, m)
			continue
		}
		kept = append(kept, m)
		m.talk = r.talkers.mixWithout(m.without, &r.work.sum, &r.work.mixed)
		if err := m.encode(&r.work.mixed); err != nil {
			r.complain("encode", err)
		}
	}
	clear(r.mixes[len(kept):])
	r.mixes = kept
}
