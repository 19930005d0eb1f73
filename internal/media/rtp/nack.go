package rtp

import (
	"encoding/binary"
	"slices"
)

// Limits of the list of missing packets. After maxAge a picture is too old to be healed and a key frame
// is cheaper.
const (
	maxMissing    = 256
	maxAge        = 800_000_000 // ns
	shortestRetry = 20_000_000
	longestRetry  = 250_000_000
	firstRetry    = 60_000_000 // while the round-trip time is not known
	// repeatAfter is the time from a request to its repetition, which stands in for one that was lost.
	repeatAfter = 12_000_000
	// answerTime is what a sender adds to the round-trip time before it answers again; Chromium takes 5 ms, from a
	// round-trip time that is no better known than ours.
	answerTime = 8_000_000
	// maxSuspected bounds what is asked for on suspicion, in packets and in requests for each.
	maxSuspected    = 2
	suspectRequests = 4
)

type missing struct {
	ext       int64
	since     int64 // when it was noticed, and asked for the first time
	due       int64
	requests  int
	suspected bool // nothing after it has come yet
}

// NackList is the list of packets that a receiver misses and asks for again (RFC 4585 section 6.2.1).
// The zero value is empty.
//
// A request or its answer may be lost too. Senders do not answer the same request twice within a round trip, so a
// packet is asked for once in each, and each request is repeated soon after, for the case that it was lost itself.
//
// The last packet of a picture is missed only when the next picture comes, which is late. Whoever learns by other means
// that something was lost may therefore suspect the packets that come next; one that was not sent yet is not sent by
// a request for it.
type NackList struct {
	items     []missing // ascending by ext
	next      int64     // the first number that is neither received nor on the list
	started   bool      // next is valid
	gaveUp    bool
	roundTrip int64 // ns; 0 = not known
}

// Arrived notes a packet that is newer than all that came by themselves: those between are missing, and those that were
// suspected are. It returns how many that are. fresh is false when the packet itself has come already, as the answer to
// a suspicion. The first packet after a Reset is the first of all.
func (l *NackList) Arrived(ext, now int64) (missed int64, fresh bool) {
	if !l.started {
		l.started, l.next = true, ext+1
		return 0, true
	}
	missed, suspected := l.confirm(ext, now)
	if ext < l.next {
		return missed, suspected
	}
	missed += ext - l.next
	l.add(l.next, ext, now, false)
	l.next = ext + 1
	return missed, true
}

// confirm makes the suspected packets before ext missing ones, and forgets ext itself if it was suspected.
func (l *NackList) confirm(ext, now int64) (missed int64, suspected bool) {
	n := l.before(ext)
	missed = l.certain(l.items[:n], now)
	if suspected = n < len(l.items) && l.items[n].ext == ext && l.items[n].suspected; suspected {
		l.items = slices.Delete(l.items, n, n+1)
	}
	return missed, suspected
}

// before is how many packets on the list come before ext.
func (l *NackList) before(ext int64) int {
	n := 0
	for n < len(l.items) && l.items[n].ext < ext {
		n++
	}
	return n
}

// Suspect asks for the n packets that come next, at most a few: something was lost, and it may have been these.
func (l *NackList) Suspect(n, now int64) {
	if !l.started || len(l.items) > 0 && l.items[len(l.items)-1].suspected {
		return
	}
	n = min(n, maxSuspected)
	l.add(l.next, l.next+n, now, true)
	l.next += n
}

// add puts the packets [from, to) on the list. When there are too many the oldest are given up.
func (l *NackList) add(from, to, now int64, suspected bool) {
	if to-from > maxMissing {
		from, l.gaveUp = to-maxMissing, true
	}
	if over := len(l.items) + int(to-from) - maxMissing; over > 0 {
		l.items = l.items[:copy(l.items, l.items[over:])]
		l.gaveUp = true
	}
	for ext := from; ext < to; ext++ {
		l.items = append(l.items, missing{ext: ext, since: now, due: now, suspected: suspected})
	}
}

// Remove takes a packet off the list because it has arrived. It is false for one that was not missing:
// a duplicate, or too late.
func (l *NackList) Remove(ext, now int64) bool {
	for i := range l.items {
		if m := &l.items[i]; m.ext == ext {
			if m.requests > 0 {
				l.answered(now - m.since)
			}
			l.certain(l.items[:i], now)
			l.items = l.items[:i+copy(l.items[i:], l.items[i+1:])]
			return true
		}
	}
	return false
}

// Forget takes a packet off the list that came otherwise than by being asked for, or never will come. It is false for one
// that was not missing.
func (l *NackList) Forget(ext int64) bool {
	n := l.before(ext)
	if n == len(l.items) || l.items[n].ext != ext || l.items[n].suspected {
		return false
	}
	l.items = slices.Delete(l.items, n, n+1)
	return true
}

// certain makes suspected packets missing ones: a later one has come, so they were sent. What is suspected is therefore
// always above everything that has come, and giving it up never makes a packet new that was taken already. It returns
// how many they were.
func (l *NackList) certain(items []missing, now int64) (n int64) {
	for i := range items {
		if m := &items[i]; m.suspected {
			m.suspected, m.due = false, min(m.due, now)
			n++
		}
	}
	return n
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

// retry is the time from one request to the next that can be answered.
func (l *NackList) retry() int64 {
	if l.roundTrip == 0 {
		return firstRetry
	}
	return min(max(l.roundTrip+answerTime, shortestRetry), longestRetry)
}

// ForgetBefore takes everything before ext off the list: a key frame has made it worthless.
func (l *NackList) ForgetBefore(ext int64) {
	l.items = l.items[:copy(l.items, l.items[l.before(ext):])]
}

// Reset empties the list.
func (l *NackList) Reset() { l.items, l.gaveUp, l.started = l.items[:0], false, false }

// Len returns how many packets are missing.
func (l *NackList) Len() int { return len(l.items) }

// Due appends to dst the numbers to ask for now. gaveUp is true once after packets were given up: only a
// key frame can heal the picture then.
func (l *NackList) Due(now int64, dst []uint16) (due []uint16, gaveUp bool) {
	kept := l.items[:0]
	for _, m := range l.items {
		if m.due <= now {
			if now-m.since >= maxAge {
				l.giveUp(&m)
				continue
			}
			if m.suspected && m.requests == suspectRequests {
				m.due = m.since + maxAge
			} else {
				l.ask(&m, now)
				dst = append(dst, uint16(m.ext))
			}
		}
		kept = append(kept, m)
	}
	l.items = kept
	gaveUp, l.gaveUp = l.gaveUp, false
	return dst, gaveUp
}

func (l *NackList) ask(m *missing, now int64) {
	m.requests++
	if m.requests%2 == 1 {
		m.due = now + repeatAfter
	} else {
		m.due = now + l.retry() - repeatAfter
	}
}

// giveUp drops a packet. One that was suspected is as if nobody had thought of it; nothing after it has come.
func (l *NackList) giveUp(m *missing) {
	if m.suspected {
		l.next = min(l.next, m.ext)
	} else {
		l.gaveUp = true
	}
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
