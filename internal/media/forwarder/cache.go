package forwarder

import (
	"sync"
	"sync/atomic"
)

// The cache holds 1024 packets: three seconds at 2.5 Mbit/s. Its memory, 1.5 MB, is taken in chunks as
// the first packets come, so that a camera that is turned on for a moment costs little.
const (
	cacheSlots    = 1024
	slotsPerChunk = 64
	maxPayload    = 1460
)

// cache is a ring of the last packets of an UpTrack, for retransmission. One goroutine stores, many load.
// Neither ever waits: a slot that is in use is skipped, which costs one retransmission that the receiver
// asks for again.
type cache struct {
	chunks [cacheSlots / slotsPerChunk]atomic.Pointer[[slotsPerChunk]slot]
}

type slot struct {
	mu   sync.RWMutex
	used bool
	cachedPacket
	data [maxPayload]byte
}

// cachedPacket is what is kept of a packet beside its payload.
type cachedPacket struct {
	ext       int64
	timestamp uint32
	marker    bool
	codec     *Codec
	layer     layer
	size      int // of the payload
	extra     int // of the dependency descriptor, which follows it
}

func (c *cache) store(p *packet) {
	if len(p.payload)+len(p.descriptor) > maxPayload {
		return
	}
	at := int(p.ext & (cacheSlots - 1))
	chunk := c.chunks[at/slotsPerChunk].Load()
	if chunk == nil {
		chunk = new([slotsPerChunk]slot)
		c.chunks[at/slotsPerChunk].Store(chunk)
	}
	s := &chunk[at%slotsPerChunk]
	if !s.mu.TryLock() {
		return
	}
	s.used = true
	s.cachedPacket = cachedPacket{
		ext: p.ext, timestamp: p.timestamp, marker: p.marker, codec: p.codec, layer: p.layer,
		size: len(p.payload), extra: len(p.descriptor),
	}
	copy(s.data[copy(s.data[:], p.payload):], p.descriptor)
	s.mu.Unlock()
}

// load copies the payload and descriptor of a packet to buf, which is as large as they can be.
func (c *cache) load(ext int64, buf []byte) (cachedPacket, bool) {
	at := int(ext & (cacheSlots - 1))
	chunk := c.chunks[at/slotsPerChunk].Load()
	if chunk == nil {
		return cachedPacket{}, false
	}
	s := &chunk[at%slotsPerChunk]
	if !s.mu.TryRLock() {
		return cachedPacket{}, false
	}
	defer s.mu.RUnlock()
	if !s.used || s.ext != ext {
		return cachedPacket{}, false
	}
	copy(buf, s.data[:s.size+s.extra])
	return s.cachedPacket, true
}
