package forwarder

import (
	"sync"
	"sync/atomic"
)

// The cache holds the packets of the last second and a bit, which is as long as a receiver asks for them. It begins with
// minSlots and doubles when packets come too fast for that, so a small picture takes 100 KB and one of 2.5 Mbit/s 800.
const (
	minSlots   = 64
	maxSlots   = 1024 // three seconds at 2.5 Mbit/s
	keepFor    = 1_200_000_000
	maxPayload = 1460
)

// cache is a ring of the last packets of an UpTrack, for retransmission. One goroutine stores, many load.
// Neither ever waits: a slot that is in use is skipped, which costs one retransmission that the receiver
// asks for again.
type cache struct {
	ring atomic.Pointer[ring] // replaced by a larger one; nil until the first packet
}

// ring holds the slot of packet ext at ext modulo its size, which is a power of two. The slots are shared with the larger
// ring that takes its place.
type ring []atomic.Pointer[slot]

func (r ring) at(ext int64) *atomic.Pointer[slot] { return &r[ext&int64(len(r)-1)] }

// slot is made to be 1536 bytes, a size that the allocator has.
type slot struct {
	mu sync.RWMutex
	cachedPacket
	data [maxPayload]byte
}

// cachedPacket is what is kept of a packet beside its payload.
type cachedPacket struct {
	ext         int64
	arrival     int64
	codec       *Codec // nil: the slot is empty
	timestamp   uint32
	layer       layer
	size, extra uint16 // of the payload, and of the dependency descriptor, which follows it
	marker      bool
}

func (c *cache) store(p *packet) {
	if len(p.payload)+len(p.descriptor) > maxPayload {
		return
	}
	s := c.slotFor(p)
	if !s.mu.TryLock() {
		return
	}
	s.cachedPacket = cachedPacket{
		ext: p.ext, arrival: p.arrival, timestamp: p.timestamp, marker: p.marker, codec: p.codec, layer: p.layer,
		size: uint16(len(p.payload)), extra: uint16(len(p.descriptor)),
	}
	copy(s.data[copy(s.data[:], p.payload):], p.descriptor)
	s.mu.Unlock()
}

// slotFor is the slot for a packet, in a ring that is large enough. Only the goroutine that stores changes slots, so it
// may look at them.
func (c *cache) slotFor(p *packet) *slot {
	r := c.ring.Load()
	if r == nil {
		r = c.replace(minSlots)
	}
	at := r.at(p.ext)
	for s := at.Load(); s != nil && s.codec != nil && p.arrival-s.arrival < keepFor && len(*r) < maxSlots; s = at.Load() {
		r = c.replace(2 * len(*r))
		at = r.at(p.ext)
	}
	if at.Load() == nil {
		at.Store(new(slot))
	}
	return at.Load()
}

// replace makes a ring of the given size with the slots that there are.
func (c *cache) replace(size int) *ring {
	larger := make(ring, size)
	if old := c.ring.Load(); old != nil {
		for i := range *old {
			if s := (*old)[i].Load(); s != nil {
				larger.at(s.ext).Store(s)
			}
		}
	}
	c.ring.Store(&larger)
	return &larger
}

// load copies the payload and descriptor of a packet to buf, which is as large as they can be.
func (c *cache) load(ext int64, buf []byte) (cachedPacket, bool) {
	r := c.ring.Load()
	if r == nil {
		return cachedPacket{}, false
	}
	s := r.at(ext).Load()
	if s == nil || !s.mu.TryRLock() {
		return cachedPacket{}, false
	}
	defer s.mu.RUnlock()
	if s.codec == nil || s.ext != ext {
		return cachedPacket{}, false
	}
	copy(buf, s.data[:int(s.size)+int(s.extra)])
	return s.cachedPacket, true
}
