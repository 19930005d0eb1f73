package mixer

import "carillon/internal/media/opus"

// pull takes what is next in the queue, so that there are goal samples. It reports whether a packet of 20 ms, and nothing
// else, was needed for that.
func (s *Source) pull(r *Room, goal int) (whole bool) {
	p, before := &r.work.packet, s.pcm.len()+s.skipped
	s.queue.pop(p, demand{cold: !s.decoding, narrow: s.narrow(), quiet: s.level >= quietLevel, spare: s.spare})
	s.take(r, p, goal-before)
	if p.merge {
		s.merge(r)
		return false
	}
	return s.intact && p.samples == opus.FrameSamples && before == goal-opus.FrameSamples
}

// ahead sees to it that n samples are there beside the current frame. If there is no further packet yet, they are
// made up, and it is played later by as much. No more than these: in the next step the queue must be asked again, by which
// it knows how time goes by.
func (r *Room) ahead(s *Source, n int) {
	defer s.pad(opus.FrameSamples + n)
	defer r.contain(s)
	s.spare = opus.FrameSamples
	for s.pcm.len() < opus.FrameSamples+n {
		if !s.queue.waiting() {
			s.fillIn(r, nil, opus.FrameSamples+n-s.pcm.len())
		} else if s.pull(r, 2*opus.FrameSamples) {
			s.next, s.latest = s.latest, s.next
			s.nextOK = true
		}
	}
	s.spare = 0
}

// pad makes the audio at least n samples long.
func (s *Source) pad(n int) {
	if k := n - s.pcm.len(); k > 0 {
		s.pcm.silence(k)
	}
}

// comeToNext makes what was taken ahead the current frame.
func (s *Source) comeToNext(step uint64) {
	if s.nextOK {
		s.packet, s.next = s.next, s.packet
		s.whole = step
	}
	s.nextOK = false
}

// align has what is decoded end with a frame again, by repeating a little.
func (s *Source) align() {
	rest := s.pcm.len() % opus.FrameSamples
	if rest == 0 {
		return
	}
	n := opus.FrameSamples - rest
	s.extend(n)
	repeat(s.pcm.mid, n)
	if s.pcm.wide {
		repeat(s.pcm.side, n)
	}
}

// waiting reports whether the next packet is there, or one after it, or the sender makes a pause.
func (q *queue) waiting() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.skipPadding()
	return q.joined && !q.filling && (q.depth() > 0 || q.rests())
}
