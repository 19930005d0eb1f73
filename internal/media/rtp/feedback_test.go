package rtp

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pion/rtcp"
)

const ms = 1_000_000

// requests runs a list for a while and returns when it asked, in ms.
func requests(t *testing.T, l *NackList, from, length int64, want ...uint16) (at []int64) {
	t.Helper()
	for now := from; now < from+length; now += ms {
		due, gaveUp := l.Due(now, nil)
		if len(due) > 0 {
			if !slices.Equal(due, want) {
				t.Fatalf("asked for %v after %d ms, want %v", due, (now-from)/ms, want)
			}
			at = append(at, (now-from)/ms)
		}
		if gaveUp && now-from < maxAge {
			t.Fatalf("gave up after %d ms", (now-from)/ms)
		}
	}
	return at
}

// listAfter is a list to which the packet ext has come.
func listAfter(ext int64) *NackList {
	l := new(NackList)
	l.Arrived(ext, 0)
	return l
}

func TestNackListAsksTwiceInARoundTrip(t *testing.T) {
	l := listAfter(65534)
	if missed, fresh := l.Arrived(65538, 0); missed != 3 || !fresh {
		t.Errorf("%d missed, fresh %v", missed, fresh)
	}
	at := requests(t, l, 0, 2000*ms, 65535, 0, 1)
	const first, repeat = firstRetry / ms, repeatAfter / ms
	if !slices.Equal(at[:5], []int64{0, repeat, first, first + repeat, 2 * first}) || at[len(at)-1] > maxAge/ms {
		t.Errorf("asked at %v ms", at)
	}
	if l.Len() != 0 {
		t.Errorf("%d packets left", l.Len())
	}
}

func TestNackListGivesUp(t *testing.T) {
	l := listAfter(9)
	l.Arrived(11, 0)
	var gaveUp []int64
	for now := int64(0); now < 2000*ms; now += ms {
		if _, gone := l.Due(now, nil); gone {
			gaveUp = append(gaveUp, now)
		}
	}
	if len(gaveUp) != 1 || gaveUp[0] < maxAge || gaveUp[0] > maxAge+firstRetry {
		t.Errorf("gave up at %v ns", gaveUp)
	}
}

func TestNackListRemove(t *testing.T) {
	l := listAfter(9)
	l.Arrived(20, 0)
	if !l.Remove(15, 0) || l.Remove(15, 0) || l.Remove(20, 0) {
		t.Error("only packets on the list are missing, and once")
	}
	l.ForgetBefore(17)
	due, gaveUp := l.Due(0, nil)
	if !slices.Equal(due, []uint16{17, 18, 19}) || gaveUp {
		t.Errorf("due %v, gave up %v", due, gaveUp)
	}
	l.Arrived(20+maxMissing+1, 0)
	due, gaveUp = l.Due(0, nil)
	if len(due) != maxMissing || due[0] != 21 || !gaveUp {
		t.Errorf("%d due from %d, gave up %v", len(due), due[0], gaveUp)
	}
	l.Arrived(5000, 0)
	if due, gaveUp = l.Due(0, nil); len(due) != maxMissing || due[0] != 5000-maxMissing || !gaveUp {
		t.Errorf("after a large gap: %d due, gave up %v", len(due), gaveUp)
	}
}

// Requests come as soon as the round-trip time makes them useful.
func TestNackListFollowsTheRoundTrip(t *testing.T) {
	for _, c := range []struct{ roundTrip, want int64 }{{1 * ms, 20}, {48 * ms, 56}, {160 * ms, 168}, {500 * ms, 250}} {
		l, ext, now := listAfter(0), int64(1), int64(0)
		learn := func(after int64) {
			l.Arrived(ext+1, now)
			l.Due(now, nil)
			if !l.Remove(ext, now+after) {
				t.Fatal("the packet was missing")
			}
			ext, now = ext+2, now+1000*ms
		}
		retry := func() int64 {
			l.Arrived(ext+1, now)
			times := requests(t, l, now, 700*ms, uint16(ext))
			l.Remove(ext, now+2*c.roundTrip)
			ext, now = ext+2, now+1000*ms
			return times[2] // after the repetition of the first
		}
		learn(c.roundTrip)
		if got := retry(); got != c.want {
			t.Errorf("round trip %d ms: asked again after %d ms", c.roundTrip/ms, got)
		}
		for range 100 {
			learn(2 * c.roundTrip) // another way through the network
		}
		if got := retry(); got < min(2*c.want, longestRetry/ms)*8/10 && c.roundTrip > 20*ms {
			t.Errorf("round trip now %d ms: asked again after %d ms", 2*c.roundTrip/ms, got)
		}
	}
}

func TestNackListSuspicions(t *testing.T) {
	const some = 300 * ms
	suspect := func() *NackList {
		l := listAfter(9)
		l.Suspect(1, 0)
		l.Suspect(7, 0) // one at a time
		return l
	}
	t.Run("asked for a few times", func(t *testing.T) {
		if at := requests(t, suspect(), 0, 2*maxAge, 10); len(at) != suspectRequests {
			t.Errorf("asked at %v ms", at)
		}
	})
	t.Run("not sent yet", func(t *testing.T) {
		l := suspect()
		requests(t, l, 0, some, 10)
		if missed, fresh := l.Arrived(10, some); missed != 0 || !fresh || l.Len() != 0 {
			t.Errorf("%d missed, fresh %v, %d on the list", missed, fresh, l.Len())
		}
	})
	t.Run("true", func(t *testing.T) {
		l := suspect()
		requests(t, l, 0, some, 10)
		if missed, fresh := l.Arrived(12, some); missed != 2 || !fresh {
			t.Errorf("%d missed, fresh %v", missed, fresh)
		}
		if due, _ := l.Due(some, nil); !slices.Equal(due, []uint16{10, 11}) {
			t.Errorf("asks for %v", due)
		}
	})
	t.Run("answered, and then it comes by itself", func(t *testing.T) {
		l := suspect()
		requests(t, l, 0, ms, 10)
		if !l.Remove(10, 50*ms) || l.Remove(10, 50*ms) {
			t.Error("it is missed once")
		}
		if missed, fresh := l.Arrived(10, 60*ms); missed != 0 || fresh {
			t.Errorf("%d missed, fresh %v", missed, fresh)
		}
		if missed, fresh := l.Arrived(12, 60*ms); missed != 1 || !fresh {
			t.Errorf("%d missed, fresh %v", missed, fresh)
		}
	})
	t.Run("forgotten, and then true", func(t *testing.T) {
		l := suspect()
		requests(t, l, 0, 2*maxAge, 10)
		if missed, fresh := l.Arrived(11, 2*maxAge); missed != 1 || !fresh || l.Len() != 1 {
			t.Errorf("%d missed, fresh %v, %d on the list", missed, fresh, l.Len())
		}
	})
	t.Run("the second is answered, and the first never", func(t *testing.T) {
		for _, next := range []int64{11, 12} {
			l := listAfter(9)
			l.Suspect(2, 0)
			l.Due(0, nil)
			if !l.Remove(11, 50*ms) {
				t.Fatal("it is missed")
			}
			gone := false
			for now := 50 * ms; now < 3*maxAge; now += ms {
				_, gaveUp := l.Due(int64(now), nil)
				gone = gone || gaveUp
			}
			if !gone {
				t.Error("nobody learns that the first is lost")
			}
			if _, fresh := l.Arrived(next, 3*maxAge); fresh != (next == 12) || l.Remove(11, 3*maxAge) {
				t.Errorf("the answer is taken again when %d comes", next)
			}
		}
	})
	t.Run("no more than a few", func(t *testing.T) {
		l := listAfter(9)
		l.Suspect(1000, 0)
		if l.Len() != maxSuspected {
			t.Errorf("%d on the list", l.Len())
		}
	})
	t.Run("nothing is known yet", func(t *testing.T) {
		l := new(NackList)
		if l.Suspect(1, 0); l.Len() != 0 {
			t.Errorf("%d on the list", l.Len())
		}
	})
}

func TestAppendNACKReadsBack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var seqs []uint16
		next := uint16(rnd.Uint32())
		for range 1 + rnd.IntN(maxMissing) {
			seqs = append(seqs, next)
			next += 1 + uint16(rnd.IntN(1+rnd.IntN(40)))
		}
		var nack rtcp.TransportLayerNack
		if err := nack.Unmarshal(AppendNACK(nil, 1, 2, seqs)); err != nil || nack.SenderSSRC != 1 || nack.MediaSSRC != 2 {
			t.Fatalf("%v: %v", err, nack)
		}
		var read []uint16
		for _, pair := range nack.Nacks {
			read = append(read, pair.PacketList()...)
		}
		if !slices.Equal(read, seqs) {
			t.Fatalf("asked for %v, read %v", seqs, read)
		}
	}
}

func TestReceptionReport(t *testing.T) {
	r := Reception{ClockRate: 90000}
	at := int64(5_000 * ms)
	for i := range 100 {
		if i%10 == 3 { // one in ten is lost
			continue
		}
		ext, v := r.Receive(uint16(65500+i), uint32(i*3000), at+int64(i)*100*ms/3)
		if v != InOrder || ext != int64(65500+i) {
			t.Fatalf("packet %d: %d, %v", i, ext, v)
		}
	}
	if _, v := r.Receive(uint16(65503&0xffff), 9000, at); v != Late {
		t.Fatalf("a late packet: %v", v)
	}
	r.SenderReport(0x1122334455667788, at)
	report := r.Report(7, at+500*ms)
	if report.TotalLost != 9 || report.FractionLost != 9*256/100 || report.LastSequenceNumber != 65599 ||
		report.LastSenderReport != 0x33445566 || report.Delay != 1<<15 || report.Jitter > 1 {
		t.Errorf("%+v", report)
	}
	if report = r.Report(7, at+1000*ms); report.FractionLost != 0 || report.TotalLost != 9 {
		t.Errorf("second report %+v", report)
	}
}

func TestReceptionJitter(t *testing.T) {
	r := Reception{ClockRate: 90000}
	for i := range 2000 { // every other packet is 10 ms late: 900 ticks apart
		r.Receive(uint16(i), uint32(i*3000), int64(i)*100*ms/3+int64(i&1)*10*ms)
	}
	if j := r.Report(1, 0).Jitter; j < 880 || j > 920 {
		t.Errorf("jitter %d, want about 900", j)
	}
}

func TestReceptionRuns(t *testing.T) {
	r := Reception{ClockRate: 90000}
	expect := func(seq uint16, want Verdict) int64 {
		t.Helper()
		ext, v := r.Receive(seq, 0, 0)
		if v != want {
			t.Fatalf("%d: %v, want %v", seq, v, want)
		}
		if want != Stray && uint16(ext) != seq {
			t.Fatalf("%d extended to %d", seq, ext)
		}
		return ext
	}
	expect(5000, InOrder)
	expect(5001, InOrder)
	expect(100, Stray) // far behind
	expect(5002, InOrder)
	expect(100, Stray)
	a := expect(101, Restarted)
	if b := expect(102, InOrder); b != a+1 {
		t.Fatalf("%d after %d", b, a)
	}
	if b := expect(5000, Restarted); b <= a { // far ahead
		t.Fatal("a new run is not ahead of the old one")
	}
	r.Abandon()
	if r.Reportable() {
		t.Error("an abandoned run is reported")
	}
	expect(5001, Restarted)
	if got := r.Report(1, 0); got.TotalLost != 0 || got.FractionLost != 0 {
		t.Errorf("a new run begins with losses: %+v", got)
	}
}

// decode reads feedback with another implementation: the arrival of every number it speaks of, -1 = lost.
func decode(t *testing.T, raw []byte) (rtcp.TransportLayerCC, map[uint16]int64) {
	t.Helper()
	var fb rtcp.TransportLayerCC
	if err := fb.Unmarshal(raw); err != nil {
		t.Fatalf("feedback % x: %v", raw, err)
	}
	var symbols []uint16
	for _, c := range fb.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				symbols = append(symbols, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			symbols = append(symbols, c.SymbolList...)
		}
	}
	got := map[uint16]int64{}
	at := int64(fb.ReferenceTime) * 64_000 // µs
	deltas := fb.RecvDeltas
	for i := range fb.PacketStatusCount {
		seq := fb.BaseSequenceNumber + i
		if symbols[i] == rtcp.TypeTCCPacketNotReceived {
			got[seq] = -1
			continue
		}
		at += deltas[0].Delta
		deltas = deltas[1:]
		got[seq] = at
	}
	if len(deltas) != 0 {
		t.Fatalf("%d deltas too many", len(deltas))
	}
	return fb, got
}

func TestTWCCReadsBack(t *testing.T) {
	for seed := range uint64(50) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		var rec TWCC
		now := int64(rnd.IntN(1_000_000)) * ms
		seq := uint16(rnd.Uint32())
		sent := map[uint16]int64{}
		heard := map[uint16]int64{}
		var count uint8
		loss := rnd.IntN(60)
		for i := range 3000 {
			now += int64(rnd.IntN(10 * ms))
			if i%700 == 650 {
				now += 9_000 * ms // more than a delta can say
			}
			seq++
			if rnd.IntN(100) >= loss || i == 0 {
				sent[seq] = now
				rec.Record(seq, now)
				rec.Record(seq, now+50*ms) // a duplicate changes nothing
			}
			if rnd.IntN(30) == 0 || i == 2999 {
				for rec.Pending() {
					raw := rec.AppendFeedback(nil, 1, 2)
					if len(raw) == 0 {
						continue
					}
					if len(raw) > 1000 || len(raw)%4 != 0 {
						t.Fatalf("%d bytes", len(raw))
					}
					fb, got := decode(t, raw)
					if fb.SenderSSRC != 1 || fb.MediaSSRC != 2 || fb.FbPktCount != count {
						t.Fatalf("%+v", fb)
					}
					count++
					for s, at := range got {
						heard[s] = at
					}
				}
			}
		}
		for s, at := range sent {
			reported, ok := heard[s]
			// 24 bits of 64 ms wrap after 12 days; the quantum is 250 µs.
			if want := at / 250_000 * 250; !ok || reported != want {
				t.Fatalf("seed %d: packet %d arrived at %d µs, reported %d, %v", seed, s, want, reported, ok)
			}
		}
		for s, at := range heard {
			if _, ok := sent[s]; !ok && at >= 0 {
				t.Fatalf("seed %d: packet %d was never received", seed, s)
			}
		}
	}
}

func TestTWCCReordering(t *testing.T) {
	var rec TWCC
	for _, seq := range []uint16{10, 12, 13} {
		rec.Record(seq, int64(seq)*ms)
	}
	_, got := decode(t, rec.AppendFeedback(nil, 1, 2))
	if got[11] != -1 || got[13] != 13_000 {
		t.Errorf("first feedback %v", got)
	}
	rec.Record(11, 20*ms) // it was late only
	if !rec.Pending() {
		t.Fatal("nothing to say about a late packet")
	}
	if _, got = decode(t, rec.AppendFeedback(nil, 1, 2)); got[11] != 20_000 {
		t.Errorf("second feedback %v", got)
	}
}

func FuzzTWCC(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 2, 3, 0xff, 0xff, 0xff, 0x7f, 0, 0})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var rec TWCC
		now := int64(0)
		for ; len(steps) >= 3; steps = steps[3:] {
			now += int64(steps[2]) * int64(steps[2]) * ms
			rec.Record(uint16(steps[0])<<8|uint16(steps[1]), now)
			if steps[2]&3 != 0 {
				continue
			}
			for n := 0; rec.Pending(); n++ {
				if raw := rec.AppendFeedback(nil, 1, 2); len(raw) > 0 {
					decode(t, raw)
				}
				if n > twccWindow {
					t.Fatal("the feedback does not end")
				}
			}
		}
	})
}

func TestCompoundEndsAtTheFirstMalformedPacket(t *testing.T) {
	raw, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: 1}, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	raw = append(raw, 0x80, 206, 0, 9, 1, 2, 3, 4)
	var types []uint8
	for p := range Compound(raw) {
		types = append(types, p.Type)
	}
	if !slices.Equal(types, []uint8{ReceiverReport, PayloadFeedback}) {
		t.Errorf("types %v", types)
	}
}
