package transport

// maxSources bounds the SSRCs accepted from one peer. SRTP keeps a replay window for each, so that without a bound a
// participant could fill the memory. Cameras, screens, layers and their retransmissions need a fraction of it.
const maxSources = 64

// sources is the set of SSRCs that a peer has used in packets that were authentic.
type sources struct{ list []uint32 }

// admits reports whether a packet of this SSRC may be decrypted.
func (s *sources) admits(ssrc uint32) bool { return len(s.list) < maxSources || s.has(ssrc) }

// add records the SSRC of an authentic packet.
func (s *sources) add(ssrc uint32) {
	if !s.has(ssrc) {
		s.list = append(s.list, ssrc)
	}
}

// has moves what it finds one place ahead, so that busy sources are found first.
func (s *sources) has(ssrc uint32) bool {
	for i, v := range s.list {
		if v == ssrc {
			if i > 0 {
				s.list[i], s.list[i-1] = s.list[i-1], v
			}
			return true
		}
	}
	return false
}
