package rtp

import (
	"math/rand/v2"
	"testing"
)

func TestUnwrapper(t *testing.T) {
	var u Unwrapper
	for _, c := range []struct {
		seq  uint16
		want int64
	}{
		{65530, 65530}, {65535, 65535}, {2, 65538}, {65534, 65534}, {0, 65536}, {32000, 97536},
		{64000, 129536}, {10, 131082}, {9, 131081},
	} {
		if got := u.Unwrap(c.seq); got != c.want {
			t.Errorf("Unwrap(%d) = %d, want %d", c.seq, got, c.want)
		}
	}
	before := u.Highest()
	if ext := u.Restart(77); ext-before < 1<<16 || uint16(ext) != 77 {
		t.Errorf("Restart(77) after %d = %d", before, ext)
	}
	var first Unwrapper
	first.Unwrap(0)
	if got := first.Unwrap(65535); got != -1 {
		t.Errorf("a packet before number 0 got %d, want -1", got)
	}
}

func TestSequenceMapClosesSkippedGaps(t *testing.T) {
	var m SequenceMap
	m.Seed(65533)
	if _, ok := m.Map(1); ok {
		t.Fatal("mapped before Start")
	}
	m.Start(100)
	expect := func(in int64, want uint16) {
		t.Helper()
		out, ok := m.Map(in)
		if !ok || out != want {
			t.Fatalf("Map(%d) = %d, %v; want %d", in, out, ok, want)
		}
		if back, ok := m.Reverse(out); !ok || back != in {
			t.Fatalf("Reverse(%d) = %d, %v; want %d", out, back, ok, in)
		}
	}
	expect(100, 65533)
	expect(101, 65534)
	if !m.Skip(102) {
		t.Fatal("the newest packet could not be skipped")
	}
	expect(103, 65535)
	expect(106, 2) // 104, 105 are lost and stay a gap
	expect(104, 0)
	expect(101, 65534)
	if m.Skip(105) {
		t.Fatal("a late packet was skipped: its place is already known to the receiver")
	}
	expect(105, 1)
	if _, ok := m.Map(99); ok {
		t.Error("a packet from before Start was mapped")
	}
	if in, ok := m.Reverse(3); ok {
		t.Errorf("Reverse of a number never handed out = %d", in)
	}
	m.Start(5) // another source
	expect(5, 3)
	if in, ok := m.Reverse(2); ok {
		t.Errorf("a number of the source before maps to packet %d of the new one", in)
	}
}

// TestSequenceMapProperties sends random streams with loss, reordering, padding and switches, and checks
// against a list of everything handed out: no number is used twice, a number leads back to its packet, and
// the output has exactly the gaps that the input had.
func TestSequenceMapProperties(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var m SequenceMap
		m.Seed(uint16(rnd.Uint32()))
		var lastOut uint16
		sent := false
		for range 4 { // sources
			var in Unwrapper
			seq := uint16(rnd.Uint32())
			start := in.Unwrap(seq)
			m.Start(start)
			handed := map[uint16]int64{}
			lost := map[int64]bool{}
			gap := uint16(0) // packets lost since the last one sent
			for i := range 2000 {
				ext := start + int64(i)
				padding := i > 0 && rnd.IntN(60) == 0
				switch {
				case i > 0 && rnd.IntN(10) == 0:
					lost[ext] = padding
					gap++
					continue
				case padding:
					if !m.Skip(ext) {
						t.Fatalf("seed %d: cannot skip the newest packet", seed)
					}
				default:
					out, ok := m.Map(ext)
					if !ok {
						t.Fatalf("seed %d: packet %d not mapped", seed, ext)
					}
					if sent && out != lastOut+1+gap {
						t.Fatalf("seed %d: %d follows %d with %d lost in between", seed, out, lastOut, gap)
					}
					if _, twice := handed[out]; twice {
						t.Fatalf("seed %d: %d handed out twice", seed, out)
					}
					handed[out], lastOut, sent, gap = ext, out, true, 0
				}
				// A packet that was lost not long ago arrives late.
				if late := ext - int64(rnd.IntN(100)); rnd.IntN(5) == 0 && hasKey(lost, late) {
					delete(lost, late)
					if out, ok := m.Map(late); ok {
						if other, twice := handed[out]; twice {
							t.Fatalf("seed %d: late packet %d gets %d, which is that of %d", seed, late, out, other)
						}
						handed[out] = late
					} else {
						t.Fatalf("seed %d: late packet %d not mapped", seed, late)
					}
				}
				if i%50 == 0 {
					for out, want := range handed {
						if want > ext-100 {
							if got, ok := m.Reverse(out); !ok || got != want {
								t.Fatalf("seed %d: Reverse(%d) = %d, %v; want %d", seed, out, got, ok, want)
							}
						}
					}
				}
			}
			// Gaps at the end of a source stay gaps only if something after them was mapped.
			if gap > 0 {
				if out, ok := m.Map(start + 2000); ok {
					lastOut = out
				}
			} else {
				lastOut = uint16(m.next - 1)
			}
		}
	}
}

func hasKey(m map[int64]bool, k int64) bool { _, ok := m[k]; return ok }

func TestTimestampMapFollowsTime(t *testing.T) {
	const ms = 1_000_000
	var m TimestampMap
	m.Start(4294967000, 10*ms, 90000)
	if got := m.Map(4294967000, 10*ms); got != 4294967000 {
		t.Fatalf("first timestamp %d", got)
	}
	if got := m.Map(2704, 43*ms); got != 2704 { // wraps, 3000 ticks later
		t.Fatalf("second timestamp %d", got)
	}
	m.Start(7, 143*ms, 90000) // another source, 100 ms later
	if got := m.Map(7, 143*ms); got != 2704+9000 {
		t.Fatalf("after the switch %d, want %d", got, 2704+9000)
	}
	if got := m.Map(3007, 176*ms); got != 2704+9000+3000 {
		t.Fatalf("second packet after the switch %d", got)
	}
	m.Start(1, 100*ms, 90000) // time does not run backwards
	if got := m.Map(1, 100*ms); got != 2704+9000+3000+1 {
		t.Fatalf("switch with an older arrival gave %d", got)
	}
}

func TestTicksOfALongTime(t *testing.T) {
	const day = 86_400_000_000_000
	days := int64(40_000)
	want := uint32(days * 86400 * 90000 % (1 << 32))
	if got := Ticks(days*day, 90000); got != want {
		t.Errorf("Ticks of %d days = %d, want %d", days, got, want)
	}
}
