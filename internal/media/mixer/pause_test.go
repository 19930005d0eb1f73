package mixer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// discontinuous sends packets as a browser with DTX does: speech, then silence, of which it sends a packet every 21st
// frame and one of a single byte after it.
type discontinuous struct {
	header rtp.Header
	frame  uint32 // number of the one that comes next
	first  uint32 // timestamp of the first one
	pause  int    // frames of silence so far
}

func newDiscontinuous() *discontinuous {
	d := &discontinuous{header: rtp.Header{SSRC: 1, SequenceNumber: 65500, Timestamp: 1<<32 - 30*opus.FrameSamples}}
	d.first = d.header.Timestamp
	return d
}

const lastSpeech = 10 // frames of silence that are still sent like speech

// next makes what is sent for a frame, if anything is. The number of the frame is in the payload, if that is coded.
func (d *discontinuous) next(talks bool) (p sentPacket, sent bool) {
	frame := d.frame
	d.frame++
	d.pause++
	if talks {
		d.pause = 0
	}
	p.level = SilentLevel
	if talks {
		p.level = 30
	}
	p.payload = []byte{0x78, byte(frame >> 16), byte(frame >> 8), byte(frame)}
	if n := d.pause - lastSpeech - 1; n >= 0 {
		switch n % 21 {
		case 0:
			p.payload = p.payload[:1]
		case 20:
		default:
			return p, false
		}
	}
	p.header = d.header
	p.header.Timestamp = d.first + frame*opus.FrameSamples
	d.header.SequenceNumber++
	return p, true
}

func frameOf(payload []byte) uint32 {
	return uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3])
}

// drill plays what a queue gives out, 20 ms at a time, while a sender talks and pauses by turns.
type drill struct {
	queue                           queue
	popped                          popped
	sender                          *discontinuous
	step                            int
	packets, pauses, lost, nothings int
	delays                          []int // of speech, in frames: 0 is played when it comes
	due                             int   // samples given out more than there were frames
	held                            []sentPacket
	talk, silence                   int // frames by turns
	loses, swaps                    func(p sentPacket) bool
	holds                           func(step int) bool // nothing arrives
	pads                            func(step int) bool // padding is sent
}

func newDrill(talk, silence int) *drill {
	never := func(sentPacket) bool { return false }
	notNow := func(int) bool { return false }
	return &drill{sender: newDiscontinuous(), talk: talk, silence: silence, loses: never, swaps: never, holds: notNow, pads: notNow}
}

func (d *drill) run(t *testing.T, steps int) {
	t.Helper()
	for range steps {
		d.arrive()
		for d.due < opus.FrameSamples {
			d.pop()
		}
		d.due -= opus.FrameSamples
		d.step++
		if depth := d.queue.depth(); depth > maxDelay+opus.FrameSamples {
			t.Fatalf("step %d: depth %d ms", d.step, depth/48)
		}
	}
}

func (d *drill) arrive() {
	if p, sent := d.sender.next(d.step%(d.talk+d.silence) < d.talk); sent && !d.loses(p) {
		d.held = append(d.held, p)
		if d.swaps(p) {
			return
		}
	}
	if d.pads(d.step) {
		h := d.sender.header
		h.Timestamp = d.sender.first + (d.sender.frame-1)*opus.FrameSamples
		d.sender.header.SequenceNumber++
		d.held = append(d.held, sentPacket{header: h, level: UnknownLevel})
	}
	if d.holds(d.step) {
		return
	}
	for i := len(d.held) - 1; i >= 0; i-- { // the last one first, if some were held up
		d.queue.push(&d.held[i].header, d.held[i].payload, d.held[i].level, false)
	}
	d.held = d.held[:0]
}

func (d *drill) pop() {
	p := &d.popped
	d.queue.pop(p, demand{quiet: true})
	switch p.kind {
	case nothing:
		d.nothings++
		d.due += opus.FrameSamples
		return
	case pause:
		d.pauses++
	case lost:
		d.lost++
	case packet:
		d.packets++
		if p.level < speechLevel {
			d.delays = append(d.delays, d.step-int(frameOf(p.payload)))
		}
	}
	d.due += p.samples
}

// want checks what has been given out, and how long speech waited. Each frame more is one that was inserted for it.
func (d *drill) want(t *testing.T, lost, most int) {
	t.Helper()
	t.Logf("%d packets, %d pieces of pauses, %d lost, %d times nothing", d.packets, d.pauses, d.lost, d.nothings)
	if d.lost != lost {
		t.Errorf("%d lost, want %d", d.lost, lost)
	}
	if d.nothings > most { // the first one before the second packet
		t.Errorf("%d times nothing", d.nothings)
	}
	if d.pauses == 0 || len(d.delays) == 0 {
		t.Error("nothing is tested")
	}
	for i, delay := range d.delays {
		if delay < 1 || delay > most {
			t.Fatalf("frame %d of speech is played after %d frames, want 1 to %d; all: %v", i, delay, most, d.delays)
		}
	}
}

// Pauses are neither loss nor do they change the delay, whatever happens to the packets within them.
func TestPausesKeepTheDelay(t *testing.T) {
	dtx := func(p sentPacket) bool { return len(p.payload) <= dtxBytes }
	comfort := func(p sentPacket) bool { return p.level == SilentLevel }
	for name, c := range map[string]struct {
		talk, silence int
		change        func(d *drill)
		lost          int // each time
		most          int // frames of delay
	}{
		"long pauses":             {100, 400, nil, 0, 1},
		"short pauses":            {37, 23, nil, 0, 1},
		"pauses that end at once": {20, 12, nil, 0, 1},
		"packets of 1 byte are lost": {100, 401, func(d *drill) {
			d.loses = func(p sentPacket) bool { return dtx(p) && d.sender.pause > 40 }
		}, 17, 1},
		"packets of 1 byte are lost behind padding": {100, 401, func(d *drill) {
			d.loses = func(p sentPacket) bool { return dtx(p) && d.sender.pause > 40 }
			d.pads = func(int) bool { return d.sender.pause > 40 && (d.sender.pause-lastSpeech-1)%21 == 20 }
		}, 17, 1},
		"packets of silence are lost": {100, 400, func(d *drill) {
			d.loses = func(p sentPacket) bool { return comfort(p) && !dtx(p) && d.sender.pause > lastSpeech+100 }
		}, 14, 1},
		"the last packet of speech is lost": {100, 400, func(d *drill) {
			d.loses = func(p sentPacket) bool { return d.step%500 == 99 }
		}, 1, 1},
		"the first packet of speech is lost": {100, 400, func(d *drill) {
			d.loses = func(p sentPacket) bool { return d.step > 0 && d.step%500 == 0 }
		}, 1, 1},
		"packets of a pause are swapped": {100, 400, func(d *drill) {
			d.swaps = func(p sentPacket) bool { return !dtx(p) && d.sender.pause > lastSpeech }
		}, 0, 2},
		"padding": {100, 400, func(d *drill) {
			d.pads = func(step int) bool { return step > 50 && step%7 == 0 }
		}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDrill(c.talk, c.silence)
			if c.change != nil {
				c.change(d)
			}
			const rounds = 12
			d.run(t, rounds*(c.talk+c.silence)+20)
			d.want(t, rounds*c.lost, c.most)
		})
	}
}

// Padding is nothing to be taken out before its time: the queue would begin to fill again.
func TestPaddingIsNotWaitedFor(t *testing.T) {
	d := newDrill(1000, 0)
	d.run(t, 50)
	for d.queue.depth() > 0 {
		if !d.queue.waiting() {
			t.Fatal("there is a packet, and nothing waits")
		}
		d.pop()
	}
	h := d.sender.header
	h.Timestamp = d.sender.first + d.sender.frame*opus.FrameSamples
	d.queue.push(&h, nil, UnknownLevel, false)
	if d.queue.waiting() || d.queue.filling {
		t.Error("padding is taken for a packet")
	}
}

// A delay that has grown over a slow network is still there after a pause, and shrinks again when it is not needed.
func TestDelayIsLearntOverPauses(t *testing.T) {
	d := newDrill(60, 90)
	// Every 10th frame of speech is held up for 3 frames, for ten rounds.
	d.holds = func(step int) bool { return step < 1500 && step%150 < 60 && step%10 < 3 }
	d.run(t, 450)
	d.nothings, d.lost, d.delays = 0, 0, nil
	d.run(t, 1050)
	if d.nothings+d.lost > 0 {
		t.Errorf("%d times nothing, %d lost: what was learnt is forgotten in the pauses", d.nothings, d.lost)
	}
	d.run(t, 1500)
	d.delays = nil
	d.run(t, 150)
	for _, delay := range d.delays {
		if delay > 2 {
			t.Fatalf("a delay of %d frames long after the network is good again", delay)
		}
	}
}

// A clock that is slow or fast by a permille is made up for in the pauses, without loss.
func TestPausesAbsorbDrift(t *testing.T) {
	for name, drift := range map[string]int{"fast": 1, "slow": -1} {
		t.Run(name, func(t *testing.T) {
			d := newDrill(50, 200)
			d.run(t, 100)
			for range 60 {
				d.run(t, 500)
				if drift > 0 { // a frame more or less than steps
					d.arrive()
					d.step++
				} else {
					d.due -= opus.FrameSamples
					for d.due < 0 {
						d.pop()
					}
				}
			}
			if d.lost > 0 {
				t.Errorf("%d lost", d.lost)
			}
			for _, delay := range d.delays {
				if delay < 0 || delay > 3 {
					t.Fatalf("a delay of %d frames: %v", delay, d.delays)
				}
			}
		})
	}
}

// Who says that it pauses and is then not heard of any more has not paused.
func TestPausesEnd(t *testing.T) {
	d := newDrill(100, 1<<20)
	d.run(t, 300)
	d.loses = func(sentPacket) bool { return true }
	d.nothings, d.pauses = 0, 0
	d.run(t, 500)
	if d.pauses < 30 || d.pauses > 70 || d.nothings < 430 {
		t.Errorf("%d pieces of a pause, %d times nothing", d.pauses, d.nothings)
	}
	d.loses = func(sentPacket) bool { return false }
	d.talk = 1 << 20
	d.delays = nil
	d.run(t, 100)
	if len(d.delays) < 95 || d.delays[len(d.delays)-1] > 1 {
		t.Errorf("afterwards speech is played after %v frames", d.delays)
	}
}

// Packets that tell how silence sounds are no speech, as loud as that silence may be. The first packet of speech is.
func TestNoiseOfPausesIsNoSpeech(t *testing.T) {
	var q queue
	var p popped
	d := newDiscontinuous()
	talks := func(step int) bool { return step < 50 || step >= 200 }
	speech := map[int]bool{}
	for step := range 250 {
		if s, sent := d.next(talks(step)); sent {
			q.push(&s.header, s.payload, 50, false)
		}
		q.pop(&p, demand{})
		speech[step-1] = p.kind == packet && p.level < speechLevel
	}
	for step := range 248 {
		want := step < 50+lastSpeech || step >= 200
		if speech[step] != want {
			t.Errorf("frame %d counts as speech: %v", step, speech[step])
		}
	}
}

// A copy takes the place of the packet that is missing, on the right side of a pause.
func TestCopiesAroundPauses(t *testing.T) {
	const f = opus.FrameSamples
	payload := []byte{0x78, 0, 0, 0}
	for name, c := range map[string]struct {
		sent []int // timestamps, in frames, of packets in a row
		gone []int // those that did not come
		copy int   // which comes again within the last one
		want bool
	}{
		"no pause":                    {[]int{0, 1, 2, 3}, []int{2}, 2, true},
		"before the pause":            {[]int{0, 1, 2, 10}, []int{2}, 2, true},
		"behind the pause":            {[]int{0, 1, 10, 11}, []int{2}, 2, true},
		"two, the first":              {[]int{0, 1, 10, 11}, []int{1, 2}, 1, true},
		"two, the second":             {[]int{0, 1, 10, 11}, []int{1, 2}, 2, true},
		"two pauses":                  {[]int{0, 7, 8, 15, 16}, []int{2, 3}, 2, true},
		"one that came":               {[]int{0, 1, 10, 11}, nil, 2, false},
		"one that came, over a pause": {[]int{0, 1, 10, 11}, nil, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			var q queue
			var h rtp.Header
			for i, ts := range c.sent {
				h = rtp.Header{SequenceNumber: uint16(65534 + i), Timestamp: uint32(ts * f)}
				gone := false
				for _, g := range c.gone {
					gone = gone || g == i
				}
				if !gone {
					q.push(&h, payload, 30, false)
				}
			}
			q.restore(&h, int(h.Timestamp)-c.sent[c.copy]*f, []byte{0x78, 9, 9, 9}, 30, false)
			for i := range c.sent {
				s := &q.slots[uint16(65534+i)%slots]
				isCopy := s.state == queued && s.payload[1] == 9
				if isCopy != (i == c.copy && c.want) {
					t.Errorf("packet %d is the copy: %v", i, isCopy)
				}
			}
		})
	}
}

// TestPausesOverABadLine is a long call over a line that loses, swaps and delays: each frame of speech that has come is
// played once, in order, and the delay stays within its bounds.
func TestPausesOverABadLine(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 7))
			d := newDrill(20+rng.IntN(200), 20+rng.IntN(400))
			lost := 0
			d.loses = func(sentPacket) bool {
				if d.step > 2 && rng.IntN(20) == 0 {
					lost++
					return true
				}
				return false
			}
			d.swaps = func(sentPacket) bool { return rng.IntN(30) == 0 }
			d.run(t, 20_000)
			t.Logf("%d packets, %d sent and lost, %d given out as lost, %d times nothing", d.packets, lost, d.lost, d.nothings)
			if d.lost > lost+lost/5 {
				t.Errorf("%d given out as lost of %d", d.lost, lost)
			}
			for i := 1; i < len(d.delays); i++ {
				if d.delays[i] < 0 || d.delays[i] > maxDelay/opus.FrameSamples {
					t.Fatalf("a frame of speech is played after %d frames", d.delays[i])
				}
			}
		})
	}
}
