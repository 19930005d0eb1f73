package rtp

// Unwrapper extends 16-bit sequence numbers to 64 bits, relative to the highest seen so far.
// The zero value is ready to use.
type Unwrapper struct {
	highest int64
	started bool
}

// Peek returns the extended number that is nearest to the highest one, and changes nothing.
func (u *Unwrapper) Peek(seq uint16) int64 {
	if !u.started {
		return int64(seq)
	}
	return u.highest + int64(int16(seq-uint16(u.highest)))
}

// Unwrap extends seq and remembers it when it is the highest yet.
func (u *Unwrapper) Unwrap(seq uint16) int64 {
	ext := u.Peek(seq)
	if !u.started || ext > u.highest {
		u.highest, u.started = ext, true
	}
	return ext
}

// Highest returns the highest extended number seen; 0 before the first.
func (u *Unwrapper) Highest() int64 { return u.highest }

// Started tells whether a number has been seen.
func (u *Unwrapper) Started() bool { return u.started }

// Restart begins a new run at seq, more than one full cycle after everything seen before, so that
// numbers of the two runs can never be confused.
func (u *Unwrapper) Restart(seq uint16) int64 {
	if !u.started {
		return u.Unwrap(seq)
	}
	u.highest = (u.highest>>16+2)<<16 | int64(seq)
	return u.highest
}
