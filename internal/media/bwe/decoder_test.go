package bwe

// decoder shows the frames that are complete, in order; key frames at once.
type decoder struct {
	have      map[int]sentMedia
	next      int // sequence number that is needed next
	highest   int
	shown     int64 // when the last frame was shown, 0 = none
	freezes   int64 // sum of what lasted longer than 200 ms
	worst     int64
	nacked    map[int]int64
	count     int
	suspended bool // it is told that nothing comes
}

// take stores a packet and shows the frames that it completes.
func (d *decoder) take(seq int, m sentMedia, at int64) {
	if seq < d.next {
		return
	}
	d.have[seq] = m
	d.highest = max(d.highest, seq)
	if m.key && d.complete(seq) {
		for d.have[d.next].frame != m.frame { // what was before the key frame is not needed any more
			delete(d.have, d.next)
			d.next++
		}
	}
	for d.completeFrom(d.next) {
		made := d.have[d.next].at
		for last := false; !last; d.next++ {
			last = d.have[d.next].last
			delete(d.have, d.next)
			delete(d.nacked, d.next)
		}
		d.show(max(at, made+playout))
	}
}

// complete tells whether the frame around a packet is whole.
func (d *decoder) complete(seq int) bool {
	for !d.have[seq].first {
		seq--
		if _, ok := d.have[seq]; !ok {
			return false
		}
	}
	return d.completeFrom(seq)
}

func (d *decoder) completeFrom(seq int) bool {
	for ; ; seq++ {
		m, ok := d.have[seq]
		if !ok || m.last {
			return ok
		}
	}
}

func (d *decoder) show(at int64) {
	if gap := at - d.shown; d.shown != 0 && !d.suspended {
		d.worst = max(d.worst, gap)
		if gap > 200*millisecond {
			d.freezes += gap
		}
	}
	d.shown, d.suspended = at, false
	d.count++
}
