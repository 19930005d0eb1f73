package rtp

// Limits of the list of missing packets. The delays add up to 0.8 s, after which a picture is too old
// to be healed and a key frame is cheaper.
const (
	maxMissing   = 256
	maxTries     = 10
	firstDelay   = 20_000_000  // ns
	longestDelay = 100_000_000 // ns
)

type missing struct {
	ext   int64
	due   int64
	tries int
}

// NackList is the list of packets that a receiver misses and asks for again (RFC 4585 section 6.2.1).
// The zero value is empty.
type NackList struct {
	items  []missing // ascending by ext
	gaveUp bool
}

// Add notes that the packets [from, to) are missing. When there are too many the oldest are given up.
func (l *NackList) Add(from, to, now int64) {
	if to-from > maxMissing {
		from, l.gaveUp = to-maxMissing, true
	}
	if over := len(l.items) + int(to-from) - maxMissing; over > 0 {
		l.items = l.items[:copy(l.items, l.items[over:])]
		l.gaveUp = true
	}
	for ext := from; ext < to; ext++ {
		l.items = append(l.items, missing{ext: ext, due: now})
	}
}

// Remove takes a packet off the list because it has arrived. It is false for one that was not missing:
// a duplicate, or too late.
func (l *NackList) Remove(ext int64) bool {
	for i := range l.items {
		if l.items[i].ext == ext {
			l.items = l.items[:i+copy(l.items[i:], l.items[i+1:])]
			return true
		}
	}
	return false
}

// ForgetBefore takes everything before ext off the list: a key frame has made it worthless.
func (l *NackList) ForgetBefore(ext int64) {
	n := 0
	for n < len(l.items) && l.items[n].ext < ext {
		n++
	}
	l.items = l.items[:copy(l.items, l.items[n:])]
}

// Reset empties the list.
func (l *NackList) Reset() { l.items, l.gaveUp = l.items[:0], false }

// Len returns how many packets are missing.
func (l *NackList) Len() int { return len(l.items) }

// Due appends to dst the numbers to ask for now. gaveUp is true once after packets were given up: only a
// key frame can heal the picture then.
func (l *NackList) Due(now int64, dst []uint16) (due []uint16, gaveUp bool) {
	kept := l.items[:0]
	for _, m := range l.items {
		if m.due <= now {
			if m.tries == maxTries {
				l.gaveUp = true
				continue
			}
			m.tries++
			m.due = now + min(int64(m.tries)*firstDelay, longestDelay)
			dst = append(dst, uint16(m.ext))
		}
		kept = append(kept, m)
	}
	l.items = kept
	gaveUp, l.gaveUp = l.gaveUp, false
	return dst, gaveUp
}
