package forwarder

import mediartp "carillon/internal/media/rtp"

// maxGap is how many packets may be missing in a row between two pictures that are known to follow each other. It is a
// power of two.
const maxGap = 64

// seams remembers where pictures begin and end in the newest packets of a stream. Senders that protect their packets
// put parity packets between the pictures, in the same numbering, and do not send those again when they are lost: when
// the end of one picture and the beginning of the next are there, what is missing between is no part of them.
type seams struct {
	recent [2 * maxGap]edges // by extended sequence number
}

// edges is what seams remembers of a packet. The zero value is a packet that has not come.
type edges struct {
	ext        int64
	picture    pictureNumber
	begin, end bool // the first, the last packet of its picture
	filler     bool // part of no picture
}

// pictureNumber is the number of a picture in the numbering of its codec, which has the given number of bits.
type pictureNumber struct {
	value uint16
	bits  uint8 // 0 = the codec does not number its pictures
}

// precedes tells whether n comes right after p.
func (p pictureNumber) precedes(n pictureNumber) bool {
	return p.bits != 0 && p.bits == n.bits && (n.value-p.value)<<(16-p.bits) == 1<<(16-p.bits)
}

// edgesOf looks at a packet that has been inspected.
func edgesOf(p *packet) edges {
	e := edges{ext: p.ext, begin: p.layer.begin, end: p.marker, filler: len(p.payload) == 0}
	number, described := mediartp.DependencyFrameNumber(p.descriptor)
	switch {
	case described && p.hasDependency:
		e.picture, e.end = pictureNumber{number, 16}, p.layer.end
	case p.codec.Name == VP8:
		e.picture = numberOf(p.vp8.Picture())
	case p.codec.Name == VP9: // a picture has a frame for each spatial layer
		e.picture, e.begin = numberOf(p.vp9.Picture()), e.begin && p.layer.spatial == 0
	}
	return e
}

func numberOf(p mediartp.Picture) pictureNumber {
	switch {
	case !p.HasID:
		return pictureNumber{}
	case p.LongID:
		return pictureNumber{p.ID, 15}
	}
	return pictureNumber{p.ID, 7}
}

func (s *seams) at(ext int64) edges {
	if e := s.recent[ext&(2*maxGap-1)]; e.ext == ext {
		return e
	}
	return edges{}
}

// note takes in a packet and returns the ones that it is now known to follow and to be followed by, 0 if not: what is
// missing between is no part of any picture.
func (s *seams) note(p *packet) (follows, followed int64) {
	e := edgesOf(p)
	s.recent[p.ext&(2*maxGap-1)] = e
	if e.begin {
		if before := s.neighbour(p.ext, -1); before.end && before.picture.precedes(e.picture) {
			follows = before.ext
		}
	}
	if e.end {
		if after := s.neighbour(p.ext, 1); after.begin && e.picture.precedes(after.picture) {
			followed = after.ext
		}
	}
	return follows, followed
}

// neighbour is the next packet of a picture before or after ext, zero if there is none near.
func (s *seams) neighbour(ext, step int64) edges {
	for i := int64(1); i <= maxGap; i++ {
		if e := s.at(ext + i*step); e.ext != 0 && !e.filler {
			return e
		}
	}
	return edges{}
}
