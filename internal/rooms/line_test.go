package rooms

import (
	"encoding/binary"
	"testing"
	"time"

	"carillon/internal/media/mixer"
	mediartp "carillon/internal/media/rtp"
)

// received is what a receiver has got between two reports: packets sent to it, and lost on the way.
type received struct{ sent, lost int }

// TestWhichLinesLosePackets gives a series of reports and tells after which of them the line counts as one that loses.
func TestWhichLinesLosePackets(t *testing.T) {
	second := func(lost int) received { return received{50, lost} }
	five := func(lost int) received { return received{250, lost} }
	times := func(n int, r received) (list []received) {
		for range n {
			list = append(list, r)
		}
		return list
	}
	join := func(lists ...[]received) (all []received) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		reports []received
		from    int // the first report after which it loses; 0 = never
		until   int // the first one after which it no longer does; 0 = it does to the end
	}{
		{"nothing is lost", times(100, second(0)), 0, 0},
		{"one packet now and then", times(50, five(1)), 0, 0},
		{"one in a hundred", times(50, received{100, 1}), 0, 0},
		{"three at once", join(times(10, second(0)), times(1, second(3)), times(10, second(0))), 0, 0},
		{"one in fifty", times(10, second(1)), 6, 0},
		{"one in fifty, with fewer reports", times(10, five(5)), 2, 0},
		{"one in twenty", times(10, five(13)), 1, 0},
		{"a burst", join(times(1, second(20)), times(30, second(0))), 1, 21},
		{"less than one in a hundred after a burst", join(times(1, second(20)), times(40, received{200, 1})), 1, 11},
		{"a bad minute", join(times(60, second(2)), times(30, second(0))), 2, 80},
		{"a duplicate counts as less than none lost", join(times(5, second(-1)), times(10, second(1))), 11, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var l losses
			lost, highest := uint32(0), uint32(1<<16-100)
			l.report(0, highest)
			for i, r := range c.reports {
				lost, highest = (lost+uint32(r.lost))&0xffffff, highest+uint32(r.sent)
				l.report(lost, highest)
				if want := c.from > 0 && i+1 >= c.from && (c.until == 0 || i+1 < c.until); l.many != want {
					t.Fatalf("after report %d: %v, want %v; level %d", i+1, l.many, want, l.level)
				}
			}
		})
	}
}

// Transport-wide feedback alone shows what a line loses, and that it has ended.
func TestFeedbackTellsOfLosses(t *testing.T) {
	const none = -1
	var o audioOut
	o.open()
	o.sink.Store(mixer.NewRoom(mixer.Config{}).AddSink(mixer.SinkConfig{}))
	for _, step := range []struct {
		seconds int
		loss    float64
		lossy   bool
		copies  uint32
	}{
		{10, 0, false, 0}, {10, 0.01, false, 0}, {2, 0.05, true, 1}, {1, 0.2, true, 2},
		{4, 0, true, 2}, {1, 0.2, true, 2}, {4, 0, true, 2}, // bursts with pauses
		{4, 0, true, 1}, {20, 0, false, 0}, {4, 0.1, true, 2}, {30, none, false, 2},
	} {
		for range step.seconds {
			if step.loss == none {
				o.line.noFeedback()
			} else {
				o.line.feedback(step.loss)
			}
			o.protect()
		}
		if lossy, copies := o.sink.Load().Lossy(), o.redundancy.Load(); lossy != step.lossy || copies != step.copies {
			t.Errorf("after %d s of %v: lossy %v, %d copies, want %v, %d", step.seconds, step.loss, lossy, copies, step.lossy, step.copies)
		}
	}
}

func TestCopiesThatALineHasRoomFor(t *testing.T) {
	for bps, want := range map[int64]int{0: 0, 150_000: 0, 200_000: 1, 300_000: 2} {
		if n := copiesFor(bps); min(n, maxCopies) != want {
			t.Errorf("%d copies at %d bit/s, want %d", n, bps, want)
		}
	}
}

// A client that begins its counting anew is not taken for one that has lost everything in between.
func TestLossesOfAnotherCountAreNotCounted(t *testing.T) {
	l := losses{}
	for _, r := range [][2]uint32{{900, 1 << 20}, {0, 100}, {5, 1 << 30}, {5, 1<<30 + 250}} {
		if l.report(r[0], r[1]); l.many || l.level > 0 {
			t.Fatalf("after a report of %d lost at %d: level %d", r[0], r[1], l.level)
		}
	}
}

// What a receiver reports about the audio reaches its mix; what it reports about other streams does not.
func TestReportsReachTheMix(t *testing.T) {
	var o audioOut
	o.open()
	room := mixer.NewRoom(mixer.Config{})
	o.sink.Store(room.AddSink(mixer.SinkConfig{}))
	report := func(ssrc, lost, highest uint32) {
		packet := make([]byte, 8+reportBlockSize)
		packet[0], packet[1] = 2<<6|1, mediartp.ReceiverReport
		binary.BigEndian.PutUint16(packet[2:], uint16(len(packet)/4-1))
		binary.BigEndian.PutUint32(packet[8:], ssrc)
		binary.BigEndian.PutUint32(packet[12:], lost)
		binary.BigEndian.PutUint32(packet[16:], highest)
		o.handleReports(packet, time.Unix(1, 0))
	}
	ssrc := o.header.SSRC
	report(ssrc, 0, 1000)
	report(ssrc+1, 0, 1000)
	report(ssrc+1, 50, 1050)
	if o.sink.Load().Lossy() {
		t.Error("loss on another stream counts")
	}
	report(ssrc, 5, 1050)
	if !o.sink.Load().Lossy() {
		t.Error("loss does not reach the mix")
	}
	for i := range uint32(21) {
		report(ssrc, 5, 1100+50*i)
	}
	if o.sink.Load().Lossy() {
		t.Error("the end of loss does not reach the mix")
	}
}
