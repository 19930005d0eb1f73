package bwe

import (
	"math/rand/v2"

	mediartp "carillon/internal/media/rtp"
)

const (
	framePeriod = second / 30
	payloadSize = 1100
	playout     = 150 * millisecond // the jitter buffer shows a frame that long after it was made, or when it is whole
	keyFactor   = 6                 // size of a key frame, in frames
)

// call is one receiver of a number of simulcast videos and of audio, over a simulated link: what the forwarder
// does, driven by a Controller and Allocate, and a decoder that waits for what it misses.
type call struct {
	loop
	random *rand.Rand
	link   link // to the receiver; feedback comes back over up
	up     link
	c      *Controller
	alloc  Allocator
	videos []*video
	twcc   mediartp.TWCC

	audioSize               int // bytes of a packet
	audioSent, audioArrived int
	probed                  int // bytes
	start                   int64
}

// video is one section of the receiver.
type video struct {
	Video
	track    uint32
	waiting  int // layer that is to be switched to with the next key frame, Paused = none
	keyAt    int64
	frame    int // frames so far
	seq      int
	start    int // first sequence number of the layer
	repeated map[int]int64
	sent     map[int]sentMedia
	receiver decoder

	levels []int // the choice, sampled every 100 ms
}

type sentMedia struct {
	frame, size int
	first, last bool // of the frame
	key         bool
	at          int64 // when the frame was made
}

func newCall(seed uint64, l link, videos ...Video) *call {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &call{random: r, link: l, c: NewController(Config{}), audioSize: 100}
	s.link.random = r
	s.up = link{rate: 100_000_000, queue: second, delay: l.delay, loss: l.loss, random: r}
	s.now, s.start = second, second
	for i, v := range videos {
		v.Current = Paused
		s.videos = append(s.videos, &video{
			Video: v, track: uint32(i + 1), waiting: Paused, sent: map[int]sentMedia{}, repeated: map[int]int64{},
			receiver: decoder{have: map[int]sentMedia{}, nacked: map[int]int64{}, highest: -1, suspended: true},
		})
	}
	s.every(5*millisecond, s.tick)
	s.every(20*millisecond, s.sendAudio)
	s.every(100*millisecond, s.allocate)
	s.every(100*millisecond, s.feedback)
	for i, v := range s.videos {
		s.after(s.now+int64(i)*7*millisecond, func(int64) {
			s.every(framePeriod, func(now int64) { s.sendFrame(v, now) })
		})
		s.every(20*millisecond, func(now int64) { s.nack(v, now) })
	}
	return s
}

func simulcast(group, priority uint32) Video {
	return Video{Group: group, Priority: priority, Layers: []Layer{
		{Encoding: 0, Bitrate: 250_000, Width: 320, Height: 180, FrameRate: 30},
		{Encoding: 1, Bitrate: 700_000, Width: 640, Height: 360, FrameRate: 30},
		{Encoding: 2, Bitrate: 1_800_000, Width: 1280, Height: 720, FrameRate: 30},
	}}
}

func (s *call) tick(now int64) {
	for n := s.c.Tick(now); n > 0; {
		size := min(max(n, 100), payloadSize)
		seq, _ := s.c.Send(now, KindPadding, size)
		s.transmit(now, seq, size, nil)
		s.probed += size
		n -= size + overhead
	}
	for p, seq, ok := s.c.Next(now); ok; p, seq, ok = s.c.Next(now) {
		v := s.videos[p.Track-1]
		s.deliver(v, int(p.Data[0])|int(p.Data[1])<<8|int(p.Data[2])<<16, now, seq, len(p.Data))
	}
	for _, track := range s.c.Broken() {
		v := s.videos[track-1]
		s.requestKey(v, now)
	}
}

// requestKey lets the source make a key frame after the time that a request takes.
func (s *call) requestKey(v *video, now int64) {
	if v.keyAt == 0 {
		v.keyAt = now + 80*millisecond
	}
}

func (s *call) sendAudio(now int64) {
	seq, _ := s.c.Send(now, KindAudio, s.audioSize)
	s.audioSent++
	s.transmit(now, seq, s.audioSize, func(int64) { s.audioArrived++ })
}

func (s *call) allocate(now int64) {
	budget, sure := s.c.Budget()
	videos := make([]Video, len(s.videos))
	for i, v := range s.videos {
		videos[i] = v.Video
	}
	plan := s.alloc.Allocate(budget, sure, videos)
	s.c.SetDemand(plan)
	for i, v := range s.videos {
		choice := plan.Choices[i]
		if choice != v.Current {
			if choice < v.Current {
				s.c.Forget(v.track) // a layer that does not fit must not delay the one that does
			}
			v.Current = choice
			v.waiting = choice
			s.requestKey(v, now)
		}
		v.levels = append(v.levels, choice)
	}
}

func (s *call) sendFrame(v *video, now int64) {
	if v.Current == Paused {
		v.receiver.suspended = true
		return
	}
	key := v.keyAt != 0 && now >= v.keyAt
	if key {
		if v.waiting != Paused {
			v.start = v.seq
		}
		v.keyAt, v.waiting = 0, Paused
	} else if v.waiting != Paused {
		return // the old layer has stopped, the new one has not begun
	}
	v.frame++
	size := int(v.Layers[v.Current].Bitrate / 8 / 30)
	size = int(float64(size) * (0.7 + 0.6*s.random.Float64()))
	if key {
		size *= keyFactor
	}
	for first := true; size > 0; first = false {
		n := min(size, payloadSize)
		size -= n
		v.sent[v.seq] = sentMedia{frame: v.frame, size: n, first: first, last: size == 0, key: key, at: now}
		s.forward(v, v.seq, KindVideo, now)
		v.seq++
	}
}

// forward sends a packet of a video, now or when the pacer lets it go.
func (s *call) forward(v *video, seq int, k Kind, now int64) {
	m := v.sent[seq]
	if n, ok := s.c.Send(now, k, m.size); ok {
		s.deliver(v, seq, now, n, m.size)
		return
	}
	head := []byte{byte(seq), byte(seq >> 8), byte(seq >> 16)}
	s.c.Queue(now, &Packet{Kind: k, TWCC: 1, Track: v.track, Frame: uint32(m.frame), Key: m.key}, head, make([]byte, max(m.size-3, 0)))
}

func (s *call) deliver(v *video, seq int, now int64, transport uint16, size int) {
	m := v.sent[seq]
	s.transmit(now, transport, size, func(at int64) { v.receiver.take(seq, m, at) })
}

func (s *call) transmit(now int64, seq uint16, size int, arrived func(int64)) {
	at, ok := s.link.send(now, size)
	if !ok {
		return
	}
	s.after(at, func(at int64) {
		s.twcc.Record(seq, at)
		if arrived != nil {
			arrived(at)
		}
	})
}

func (s *call) feedback(now int64) {
	for s.twcc.Pending() {
		raw := s.twcc.AppendFeedback(nil, 1, 2)
		if at, ok := s.up.send(now, len(raw)); ok && len(raw) > 0 {
			s.after(at, func(at int64) { s.c.HandleFeedback(raw, at) })
		}
	}
}

// nack asks for what a decoder misses.
func (s *call) nack(v *video, now int64) {
	for seq, n := v.receiver.next, 0; seq < v.receiver.highest && n < 100; seq++ {
		if _, ok := v.receiver.have[seq]; ok || now-v.receiver.nacked[seq] < 2*s.link.delay+20*millisecond {
			continue
		}
		n++
		v.receiver.nacked[seq] = now
		if at, ok := s.up.send(now, 40); ok {
			s.after(at, func(at int64) {
				s.repeat(v, seq, at)
			})
		}
	}
	if d := &v.receiver; !d.suspended && d.shown != 0 && now-d.shown > second {
		s.requestKey(v, now)
	}
}

// repeat answers a NACK as a forwarder does: nothing from before a switch, and nothing that may still be under way.
func (s *call) repeat(v *video, seq int, now int64) {
	if seq < v.start || now-v.repeated[seq] < s.c.Stats().RTT {
		return
	}
	v.repeated[seq] = now
	for range s.c.Copies() {
		s.forward(v, seq, KindRetransmission, now)
	}
}
