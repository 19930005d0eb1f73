package bwe

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pion/rtcp"

	mediartp "carillon/internal/media/rtp"
)

func all(f Feedback) (list []Status) {
	for s, ok := f.Next(); ok; s, ok = f.Next() {
		list = append(list, s)
	}
	return list
}

// message builds a feedback from its chunks and deltas.
func message(base, count uint16, reference int32, chunks []uint16, deltas ...byte) []byte {
	raw := []byte{0x8f, 205, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2}
	raw = binary.BigEndian.AppendUint16(raw, base)
	raw = binary.BigEndian.AppendUint16(raw, count)
	raw = binary.BigEndian.AppendUint32(raw, uint32(reference)<<8|7)
	for _, c := range chunks {
		raw = binary.BigEndian.AppendUint16(raw, c)
	}
	raw = append(raw, deltas...)
	if pad := -len(raw) & 3; pad > 0 {
		raw[0] |= 1 << 5
		raw = append(append(raw, make([]byte, pad-1)...), byte(pad))
	}
	binary.BigEndian.PutUint16(raw[2:], uint16(len(raw)/4-1))
	return raw
}

func TestParseFeedback(t *testing.T) {
	const start = 2 * referenceUnit
	got := func(seq uint16, ticks int64) Status { return Status{seq, true, start + ticks*deltaUnit} }
	missed := func(seq uint16) Status { return Status{Seq: seq} }
	tests := map[string]struct {
		raw  []byte
		want []Status
	}{
		"run of small deltas": {
			message(65535, 3, 2, []uint16{1<<13 | 3}, 4, 0, 255),
			[]Status{got(65535, 4), got(0, 4), got(1, 259)},
		},
		"run of losses, then a run of large deltas": {
			message(9, 4, 2, []uint16{2, 2<<13 | 2}, 0x01, 0x00, 0xff, 0xff),
			[]Status{missed(9), missed(10), got(11, 256), got(12, 255)},
		},
		"vector of one bit, longer than the count": {
			message(1, 3, 2, []uint16{2<<14 | 0b101<<11 | 1}, 1, 2),
			[]Status{got(1, 1), missed(2), got(3, 3)},
		},
		"vector of two bits": {
			message(1, 4, 2, []uint16{3<<14 | 1<<12 | 0<<10 | 2<<8 | 1<<6}, 8, 0xff, 0xfe, 3),
			[]Status{got(1, 8), missed(2), got(3, 6), got(4, 9)},
		},
		"negative reference": {
			message(1, 1, -1, []uint16{1<<13 | 1}, 0),
			[]Status{{1, true, -referenceUnit}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f, ok := ParseFeedback(test.raw)
			if !ok {
				t.Fatal("refused")
			}
			if f.Sender != 1 || f.Media != 2 || f.Number != 7 {
				t.Errorf("read %+v", f)
			}
			if got := all(f); !slices.Equal(got, test.want) {
				t.Errorf("read %v, want %v", got, test.want)
			}
		})
	}
}

func TestMalformedFeedback(t *testing.T) {
	good := message(1, 2, 2, []uint16{1<<13 | 2}, 1, 2)
	edit := func(do func(raw []byte)) []byte {
		raw := slices.Clone(good)
		do(raw)
		return raw
	}
	tests := map[string][]byte{
		"empty":            nil,
		"cut off":          good[:len(good)-4],
		"another version":  edit(func(raw []byte) { raw[0] = 0x4f }),
		"a NACK":           edit(func(raw []byte) { raw[0] = 0x81 }),
		"of the payload":   edit(func(raw []byte) { raw[1] = 206 }),
		"no packets":       edit(func(raw []byte) { raw[15] = 0 }),
		"more than chunks": edit(func(raw []byte) { raw[15] = 9 }),
		"too many":         message(1, 8193, 2, []uint16{8191, 8191}),
		"empty run":        message(1, 1, 2, []uint16{0, 1<<13 | 1}, 0),
		"reserved in run":  message(1, 1, 2, []uint16{3<<13 | 1}, 0),
		"reserved symbol":  message(1, 1, 2, []uint16{3<<14 | 3<<12}, 0),
		"deltas missing":   message(1, 9, 2, []uint16{1<<13 | 9}, 0, 0),
		"all padding":      edit(func(raw []byte) { raw[0] |= 1 << 5; raw[len(raw)-1] = 200 }),
		"no padding":       edit(func(raw []byte) { raw[0] |= 1 << 5; raw[len(raw)-1] = 0 }),
	}
	for name, raw := range tests {
		if f, ok := ParseFeedback(raw); ok {
			t.Errorf("%s: read %+v", name, f)
		}
	}
	if _, ok := ParseFeedback(good); !ok {
		t.Error("the good one was refused too")
	}
}

// TestFeedbackAsWritten reads what the writer of the same process, and another implementation, make of arrivals.
func TestFeedbackAsWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var w mediartp.TWCC
		at, sent := int64(second), map[uint16]int64{}
		seq := uint16(r.Uint32())
		for range 1 + r.IntN(300) {
			at += r.Int64N(40 * millisecond)
			if r.IntN(50) == 0 {
				at += second
			}
			if r.IntN(8) != 0 {
				w.Record(seq, at)
				sent[seq] = at
			}
			seq++
		}
		seen := map[uint16]int64{}
		for w.Pending() {
			raw := w.AppendFeedback(nil, 1, 2)
			if len(raw) == 0 {
				continue
			}
			f, ok := ParseFeedback(raw)
			if !ok {
				t.Fatalf("refused %x", raw)
			}
			compare(t, raw, all(f))
			f, _ = ParseFeedback(raw)
			for s, ok := f.Next(); ok; s, ok = f.Next() {
				if s.Received {
					seen[s.Seq] = s.Arrival
				}
			}
		}
		if len(seen) != len(sent) {
			t.Fatalf("read %d packets of %d", len(seen), len(sent))
		}
		for seq, at := range sent {
			if d := at - seen[seq]; d < 0 || d >= deltaUnit {
				t.Fatalf("packet %d: %d, want %d", seq, seen[seq], at)
			}
		}
	}
}

// compare holds what was read against pion's reading of the same packet.
func compare(t *testing.T, raw []byte, got []Status) {
	t.Helper()
	var p rtcp.TransportLayerCC
	if err := p.Unmarshal(raw); err != nil {
		t.Fatal(err)
	}
	if int(p.PacketStatusCount) != len(got) {
		t.Fatalf("read %d statuses of %d", len(got), p.PacketStatusCount)
	}
	at, i := int64(p.ReferenceTime)*referenceUnit, 0
	for _, s := range got {
		if !s.Received {
			continue
		}
		at += p.RecvDeltas[i].Delta * 1000
		if s.Arrival != at {
			t.Fatalf("packet %d arrived at %d, want %d", s.Seq, s.Arrival, at)
		}
		i++
	}
	if i != len(p.RecvDeltas) {
		t.Fatalf("%d packets of %d arrived", i, len(p.RecvDeltas))
	}
}

func FuzzParseFeedback(f *testing.F) {
	f.Add(message(1, 2, 2, []uint16{1<<13 | 2}, 1, 2))
	f.Add(message(65530, 14, -9, []uint16{2<<14 | 0x1555}, 1, 2, 3, 4, 5, 6, 7))
	f.Add(message(1, 7, 2, []uint16{3<<14 | 0x1999}, 1, 2, 3, 4, 5, 6, 7, 8, 9))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, ok := ParseFeedback(raw)
		if !ok {
			return
		}
		list := all(p)
		if len(list) != p.Count {
			t.Fatalf("read %d statuses of %d", len(list), p.Count)
		}
		for i, s := range list {
			if s.Seq != p.Base+uint16(i) || !s.Received && s.Arrival != 0 {
				t.Fatalf("status %d is %+v", i, s)
			}
		}
	})
}

// FuzzController: whatever a receiver says, its estimate stays within bounds.
func FuzzController(f *testing.F) {
	f.Add(message(0, 2, 2, []uint16{1<<13 | 2}, 1, 2), uint8(3))
	f.Add(message(0, 14, -9, []uint16{2<<14 | 0x1555}, 1, 2, 3, 4, 5, 6, 7), uint8(200))
	f.Add(message(0, 7, 2, []uint16{3<<14 | 0x1999}, 1, 2, 3, 4, 5, 6, 7, 8, 9), uint8(0))
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		c := NewController(Config{})
		now := int64(second)
		for i := range 100 {
			now += int64(step) * millisecond
			for range 20 {
				c.Send(now, KindVideo, 1000)
			}
			if len(raw) > 20 {
				binary.BigEndian.PutUint16(raw[12:], uint16(i*20)) // packets that were sent
				raw[17] += step
			}
			c.HandleFeedback(raw, now)
			c.SetDemand(Plan{Least: 1000, Next: 1 << 40, All: 1 << 40})
			if probe := c.Tick(now); probe < 0 || probe > defaultMax {
				t.Fatalf("probe of %d bytes", probe)
			}
			if e := c.Estimate(); e < defaultMin || e > defaultMax {
				t.Fatalf("estimate %d", e)
			}
			if b, sure := c.Budget(); b < 0 || sure < 0 {
				t.Fatalf("budgets %d, %d", b, sure)
			}
		}
	})
}
