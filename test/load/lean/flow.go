package lean

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"carillon/test/load/sound"
)

// FlowConfig describes a stream that a client sends.
type FlowConfig struct {
	SSRC, RTXSSRC  uint32
	PT             uint8
	Audio          bool
	Sound          []sound.Packet // audio: what is said, again and again
	Stamp          bool           // audio: the time is written over the end of the payload, which nobody decodes
	DTX            bool           // audio: silence is left out, see discontinuous; not together with Stamp
	LevelExt       uint8          // ids of header extensions, 0 = none
	TransportExt   uint8          // transport-wide sequence number
	MIDExt, RIDExt uint8          // RFC 9143, RFC 8852
	MID, RID       string         // section, and simulcast layer in it
	BitrateBps     int            // video
	Width, Height  int            // video, of key frames
	Phase          time.Duration  // shifts the stream against others
}

// Flow is a stream that a client sends, while the engine lets it.
type Flow struct {
	cfg  FlowConfig
	conn *Conn

	seq       uint16
	timestamp uint32
	frame     uint32
	silent    int // frames in a row
	wantKey   atomic.Bool
	header    rtp.Header
	scratch   rtp.Header // of the encryption
	transport [2]byte
	level     [1]byte
	onset     atomic.Int64 // when speech began last
	buffers   [][]byte
	packets   atomic.Uint64
	octets    uint32
}

const (
	audioPeriod = 20 * time.Millisecond
	// videoPeriod is that of 30 frames per second.
	videoPeriod = time.Second / 30
	// maxPayload is what browsers put into a packet at most.
	maxPayload = 1180
	// maxPackets of one frame.
	maxPackets = batch
)

// newSSRC draws an SSRC; 0 and 1 are avoided because some servers give them a meaning.
func newSSRC() uint32 { return rand.Uint32N(1<<31) + 2 }

// NewSSRC draws an SSRC for a description.
func NewSSRC() uint32 { return newSSRC() }

// AddFlow makes the client send a stream from now on.
func (c *Conn) AddFlow(cfg FlowConfig) *Flow {
	f := &Flow{cfg: cfg, conn: c, seq: uint16(rand.Uint32N(1 << 14)), timestamp: rand.Uint32()}
	f.wantKey.Store(true)
	f.silent = silentFrames(cfg.Sound)
	f.header = rtp.Header{Version: 2, SSRC: cfg.SSRC, PayloadType: cfg.PT}
	if cfg.LevelExt != 0 && cfg.Audio {
		_ = f.header.SetExtension(cfg.LevelExt, f.level[:]) // written in place, like the next one
	}
	if cfg.TransportExt != 0 {
		_ = f.header.SetExtension(cfg.TransportExt, f.transport[:])
	}
	if cfg.MIDExt != 0 {
		_ = f.header.SetExtension(cfg.MIDExt, []byte(cfg.MID))
	}
	if cfg.RIDExt != 0 {
		_ = f.header.SetExtension(cfg.RIDExt, []byte(cfg.RID))
	}
	for range maxPackets {
		f.buffers = append(f.buffers, make([]byte, maxDatagram))
	}
	c.mu.Lock()
	c.flows = append(c.flows, f)
	c.mu.Unlock()
	period := int64(videoPeriod)
	if cfg.Audio {
		period = int64(audioPeriod)
	}
	start := Now() + int64(cfg.Phase)%period
	c.engine.clock.add(start, func(now int64) int64 { return f.tick(now, period, &start) })
	return f
}

// tick sends what is due. A client that was held up does not catch up: that would be a burst.
func (f *Flow) tick(now, period int64, due *int64) int64 {
	if f.conn.closed.Load() {
		return 0
	}
	skipped := (now - *due) / period
	*due += (skipped + 1) * period
	f.timestamp += uint32(skipped+1) * f.step()
	if !f.conn.engine.sending.Load() {
		return *due
	}
	if f.cfg.Audio {
		f.sendAudio()
	} else {
		f.sendVideo()
	}
	return *due
}

func (f *Flow) step() uint32 {
	if f.cfg.Audio {
		return 960
	}
	return 90000 / 30
}

// Sent is how many packets were given to the kernel so far.
func (f *Flow) Sent() uint64 { return f.packets.Load() }

func (f *Flow) sendAudio() {
	f.conn.mu.Lock()
	defer f.conn.mu.Unlock()
	at := int(f.frame) % len(f.cfg.Sound)
	payload := f.cfg.Sound[at].Payload
	f.level[0] = f.cfg.Sound[at].Level
	f.frame++
	if at == 0 && len(f.cfg.Sound) > 1 {
		f.onset.Store(Now())
	}
	f.header.Marker = false
	if f.cfg.DTX {
		if payload = f.discontinuous(payload); payload == nil {
			return
		}
	}
	f.put(0, func(to []byte) int {
		n := copy(to, payload)
		if f.cfg.Stamp {
			writeStamp(to[:n])
		}
		return n
	})
	f.flush()
}

// sendVideo sends one frame. Its size varies as with a real encoder, and it is cut into packets as browsers do it: as
// few as possible, about equal, the larger ones last.
func (f *Flow) sendVideo() {
	f.conn.mu.Lock()
	defer f.conn.mu.Unlock()
	mean := f.cfg.BitrateBps / 8 / 30
	size := mean*3/4 + rand.IntN(mean/2+1)
	count := min((size+maxPayload-1)/maxPayload, maxPackets)
	key := f.wantKey.Swap(false)
	f.frame++
	left := size
	for i := range count {
		n := left / (count - i)
		left -= n
		f.header.Marker = i == count-1
		f.put(i, func(to []byte) int { return f.vp8(to[:max(n, 40)], i == 0, key) })
	}
	f.flush()
}

// vp8 fills a payload: descriptor with a 15-bit picture id (RFC 7741 section 4.2), header of a key frame (RFC 6386
// section 9.1) and, at the end, when it was sent.
func (f *Flow) vp8(to []byte, first, key bool) int {
	to[0] = 0x80
	if first {
		to[0] |= 0x10
	}
	to[1], to[2], to[3] = 0x80, 0x80|byte(f.frame>>8)&0x7f, byte(f.frame)
	to[4] = 0x01
	if first && key {
		copy(to[4:], []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a})
		binary.LittleEndian.PutUint16(to[10:], uint16(f.cfg.Width))
		binary.LittleEndian.PutUint16(to[12:], uint16(f.cfg.Height))
	}
	writeStamp(to)
	return len(to)
}

// put builds and protects the i-th packet of what is sent at once.
func (f *Flow) put(i int, fill func(to []byte) int) {
	c := f.conn
	h := &f.header
	f.seq++
	h.SequenceNumber, h.Timestamp = f.seq, f.timestamp
	if f.cfg.TransportExt != 0 {
		binary.BigEndian.PutUint16(f.transport[:], c.nextTransport())
	}
	buffer := f.buffers[i]
	n, err := h.MarshalTo(buffer)
	if err != nil || c.out == nil || c.closed.Load() {
		return
	}
	n += fill(buffer[n : maxDatagram-64])
	f.octets += uint32(n)
	protected, err := c.out.EncryptRTP(buffer, buffer[:n], &f.scratch)
	if err == nil {
		c.outgo.add(protected)
	}
}

func (f *Flow) flush() {
	if f.conn.outgo.n == 0 {
		return
	}
	f.packets.Add(uint64(f.conn.outgo.flush(int(f.conn.fd))))
}

// Onset is when the sound began anew last: after the silence that ends it.
func (f *Flow) Onset() int64 { return f.onset.Load() }

// stampMark begins the time at the end of a payload.
const stampMark = 0x6c6f6164 // "load"

func writeStamp(payload []byte) {
	binary.BigEndian.PutUint32(payload[len(payload)-12:], stampMark)
	binary.BigEndian.PutUint64(payload[len(payload)-8:], uint64(Now()))
}

// readStamp finds the time at the end of a packet.
func readStamp(packet []byte) (sent int64, ok bool) {
	n := len(packet)
	if n < 24 || binary.BigEndian.Uint32(packet[n-12:]) != stampMark {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(packet[n-8:])), true
}

// Audio reports whether it is sound.
func (f *Flow) Audio() bool { return f.cfg.Audio }
