package mixer

import (
	"sync/atomic"

	"github.com/pion/rtp"

	"carillon/internal/media/opus"
)

// Levels are attenuations in dBov as in RFC 6464: 0 is the loudest, 127 silence.
const (
	SilentLevel  = 127 // silence
	UnknownLevel = 255 // the packet said nothing about its level

	// speechLevel separates speech, however far from the microphone, from the noise of a quiet room:
	// what is louder (a smaller number) is decoded.
	speechLevel = 75
	// quietLevel is where a frame can be dropped or inserted without anybody noticing.
	quietLevel = 60
)

// Times in steps of 20 ms.
const (
	hangover   = 25 // a source counts as talking for 500 ms after its last speech
	forgetting = 15 // Level falls to silence 300 ms after the last speech
)

// maxConceal is how much lost audio in a row is made up; beyond it concealment is only a hum.
const maxConceal = 5 * opus.FrameSamples

const noNumber = 255

// Source is one audio stream of a participant.
type Source struct {
	owner any

	queue queue         // has its own lock
	muted atomic.Bool   // set by any goroutine
	shown atomic.Uint32 // Level

	played, concealed atomic.Uint64 // samples, see Played

	// Owned by the goroutine that calls Step.
	talks   uint64  // the last step in which it was heard
	number  uint8   // talker number or noNumber
	held    float32 // loudest level lately; of talkers only
	refused bool    // too many talk: it is not decoded
	broken  bool    // it has panicked: it is left alone

	dec      *opus.Decoder // nil until it speaks
	epoch    uint32        // of the stream that dec decodes
	decoding bool          // the last packet was decoded
	pcm      audio         // decoded, not yet played; the current frame comes first
	packet   []byte        // that of the current frame, see whole
	whole    uint64        // the last step whose frame was all of packet, and nothing else
	latest   []byte        // what was taken last
	intact   bool          // that was a packet, undamaged, or what stands for a pause
	toc      byte          // the first byte of the last packet, which tells its kind
	next     []byte        // the packet of the frame after the current one, if that was taken ahead
	nextOK   bool          // the frame after the current one will be all of next
	spare    int           // samples in the queue's place, see ahead
	taken    int           // length of the current frame in pcm: 0 or one frame
	skipped  int           // samples of packets that were not decoded, not yet played; 0 unless pcm is empty
	conceal  int           // samples concealed in a row
	clean    int           // steps since a packet was missing
	quiet    int           // quiet frames in a row

	past       past   // what it has said
	remembered uint64 // the last step that is in past

	level    uint8 // of what is played now
	hang     int   // steps until it no longer counts as talking
	silence  int   // steps since its last speech
	smoothed float32
}

// Owner returns what was given to AddSource.
func (s *Source) Owner() any { return s.owner }

// Push takes a packet from the network. level is its RFC 6464 level, or UnknownLevel. Nothing that is
// passed is kept. Any goroutine; never waits for a step.
func (s *Source) Push(h *rtp.Header, payload []byte, level uint8) {
	if level > SilentLevel {
		level = UnknownLevel
	}
	s.queue.push(h, payload, level, s.muted.Load())
}

// SetMuted keeps the source out of the mixes. What is pushed while it is muted is never heard, not even
// after it is unmuted. Any goroutine; holds from the next step on.
func (s *Source) SetMuted(muted bool) { s.muted.Store(muted) }

// Level returns how loud the source was during the last 100 to 200 ms, as it was heard and not as it
// arrived: 0 is the loudest, SilentLevel after 300 ms without speech or when muted. Any goroutine.
func (s *Source) Level() uint8 {
	if s.muted.Load() {
		return SilentLevel
	}
	return uint8(s.shown.Load())
}

// Played returns how many samples of what the source sends had their turn, heard or not, and how many of them had
// not come and were not in the packet after them either. What it leaves out in a pause had its turn and has come.
// Any goroutine.
func (s *Source) Played() (samples, missing uint64) {
	return s.played.Load(), s.concealed.Load()
}

// frame is what the source says in this step: the mid or the side of it; nil if there is no side. Only for talkers.
func (s *Source) frame(side bool) []float32 { return s.frameFrom(0, side) }

// frameFrom is that from a sample on.
func (s *Source) frameFrom(at int, side bool) []float32 {
	switch {
	case !side:
		return s.pcm.mid[at : at+opus.FrameSamples]
	case s.pcm.wide:
		return s.pcm.side[at : at+opus.FrameSamples]
	}
	return nil
}

// advance moves on by one frame and reports whether the source has something to say in it.
func (s *Source) advance(r *Room) bool {
	s.pcm.drop(s.taken)
	s.taken = 0
	s.hang = max(0, s.hang-1)
	s.clean++
	s.comeToNext(r.step)
	for s.pcm.len()+s.skipped < opus.FrameSamples {
		if s.pull(r, opus.FrameSamples) {
			s.packet, s.latest = s.latest, s.packet
			s.whole = r.step
		}
	}
	s.quiet++
	if s.level < quietLevel {
		s.quiet = 0
	}
	if s.muted.Load() {
		s.shutUp()
	}
	s.show()
	if s.pcm.len() == 0 {
		s.skipped -= opus.FrameSamples
		return s.hang > 0 && s.refused
	}
	s.taken = opus.FrameSamples
	if s.level >= quietLevel {
		s.align()
	}
	return s.hang > 0
}

// take plays the result of a pop: what it adds goes to pcm if the source is decoded, else to skipped. gap is what is
// filled if there is nothing.
func (s *Source) take(r *Room, p *popped, gap int) {
	s.intact = false
	if p.epoch != s.epoch {
		s.epoch = p.epoch
		s.dec = nil // another stream: nothing may be predicted from the old one
		s.decoding = false
	}
	switch p.kind {
	case nothing, inserted:
		clean := s.clean
		s.fillIn(r, nil, gap)
		if p.kind == inserted {
			s.clean = clean // nothing is missing
		}
		if !s.decoding {
			s.level = SilentLevel
		}
	case lost:
		s.played.Add(uint64(p.samples))
		if !opus.HasFEC(p.payload) {
			s.concealed.Add(uint64(p.samples))
		}
		s.fillIn(r, p.payload, p.samples)
	case pause:
		s.played.Add(uint64(p.samples))
		s.rest(r, p.samples)
	case packet:
		s.played.Add(uint64(p.samples))
		s.hear(p.level)
		if s.hang == 0 {
			s.refused = false // it no longer asks
		}
		if p.muted || s.refused {
			s.decoding = false
			s.skip(p.samples)
			return
		}
		if s.hang == 0 && p.level != UnknownLevel {
			s.keep(p.payload)
			s.decoding = false
			s.skip(p.samples)
			return
		}
		s.decode(r, p)
	}
}

// hear notes the level of a packet.
func (s *Source) hear(level uint8) {
	if level == UnknownLevel {
		return // decode measures it
	}
	s.level = level
	if level < speechLevel {
		s.hang = hangover
	}
}

// shutUp drops what the muted source has to say, now and what is decoded already.
func (s *Source) shutUp() {
	s.skipped += s.pcm.len()
	s.pcm.cut(0)
	s.spare = 0
	s.decoding, s.whole, s.nextOK = false, 0, false
	s.hang = 0
	s.level = SilentLevel
}

// show updates what Level returns.
func (s *Source) show() {
	if s.level < speechLevel {
		s.silence = 0
	} else {
		s.silence++
	}
	if s.silence > forgetting {
		s.smoothed = SilentLevel
	} else {
		// Time constants of 2 frames upwards, so that a single word shows, and of 5 frames downwards.
		weight := float32(0.2)
		if float32(s.level) < s.smoothed {
			weight = 0.5
		}
		s.smoothed += (float32(s.level) - s.smoothed) * weight
	}
	s.shown.Store(uint32(s.smoothed + 0.5))
}
