package rtp

import "encoding/binary"

// Limits of the list of missing packets. After maxAge a picture is too old to be healed and a key frame
// is cheaper.
const (
	maxMissing    = 256
	maxAge        = 800_000_000 // ns
	shortestRetry = 20_000_000
	longestRetry  = 100_000_000
	firstRetry    = 40_000_000 // while the round-trip time is not known
)

type missing struct {
	ext   int64
	since int64 // when it was noticed, and asked for the first time
	due   int64
	asked bool
}

// NackList is the list of packets that a receiver misses and asks for again (RFC 4585 section 6.2.1).
// The zero value is empty.
//
// A request or its answer may be lost too. So each is repeated at a little more than half a round-trip time:
// the first repetition stands in for a request that was lost, and the second one comes just after an answer
// could have been there. Senders do not answer the same request twice within a round trip.
type NackList struct {
	items     []missing // ascending by ext
	gaveUp    bool
	roundTrip int64 // ns; 0 = not known
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
		l.items = append(l.items, missing{ext: ext, since: now, due: now})
	}
}

// Remove takes a packet off the list because it has arrived. It is false for one that was not missing:
// a duplicate, or too late.
func (l *NackList) Remove(ext, now int64) bool {
	for i := range l.items {
		if m := &l.items[i]; m.ext == ext {
			if m.asked {
				l.answered(now - m.since)
			}
			l.items = l.items[:i+copy(l.items[i:], l.items[i+1:])]
			return true
		}
	}
	return false
}

// answered learns the round-trip time. An answer is too slow for it when one before it was lost, but never
// too fast.
func (l *NackList) answered(after int64) {
	if l.roundTrip == 0 || after < l.roundTrip {
		l.roundTrip = max(after, 1)
	} else {
		l.roundTrip += (after - l.roundTrip) / 16
	}
}

// retry is the time from one request to the next.
func (l *NackList) retry() int64 {
	if l.roundTrip == 0 {
		return firstRetry
	}
	return min(max(l.roundTrip*5/8, shortestRetry), longestRetry)
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
			if now-m.since >= maxAge {
				l.gaveUp = true
				continue
			}
			m.asked, m.due = true, now+l.retry()
			dst = append(dst, uint16(m.ext))
		}
		kept = append(kept, m)
	}
	l.items = kept
	gaveUp, l.gaveUp = l.gaveUp, false
	return dst, gaveUp
}

// AppendNACK appends the packet that asks for these sequence numbers, which ascend (RFC 4585 section 6.2.1).
func AppendNACK(dst []byte, sender, media uint32, seqs []uint16) []byte {
	start := len(dst)
	dst = append(dst, 2<<6|FormatNACK, TransportFeedback, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, sender)
	dst = binary.BigEndian.AppendUint32(dst, media)
	for i := 0; i < len(seqs); {
		first, mask := seqs[i], uint16(0)
		for i++; i < len(seqs) && seqs[i]-first-1 < 16; i++ {
			mask |= 1 << (seqs[i] - first - 1)
		}
		dst = binary.BigEndian.AppendUint16(dst, first)
		dst = binary.BigEndian.AppendUint16(dst, mask)
	}
	binary.BigEndian.PutUint16(dst[start+2:], uint16((len(dst)-start)/4-1))
	return dst
}
