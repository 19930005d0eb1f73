package forwarder

import (
	"encoding/binary"
	"testing"
	"unsafe"
)

// fill stores packets that come at a rate for a while, and returns the number and arrival of the last.
func (c *cache) fill(first, perSecond, length int64) (last, now int64) {
	codec := &Codec{Name: VP8}
	for last = first; now < length; last++ {
		now = (last - first) * 1000 * ms / perSecond
		c.store(&packet{ext: last, arrival: now, codec: codec, payload: binary.BigEndian.AppendUint64(make([]byte, 1000), uint64(last))})
	}
	return last - 1, now
}

func TestCacheKeepsASecondAndGrowsOnlyForThat(t *testing.T) {
	for _, c := range []struct {
		perSecond int64
		slots     int
	}{{15, minSlots}, {50, minSlots}, {100, 128}, {200, 256}, {300, 512}, {800, maxSlots}, {5000, maxSlots}} {
		var cache cache
		last, now := cache.fill(1<<20-7, c.perSecond, 5000*ms)
		if got := len(*cache.ring.Load()); got != c.slots {
			t.Errorf("%d packets a second: %d slots, want %d", c.perSecond, got, c.slots)
		}
		buf := make([]byte, maxPayload)
		kept := min(c.perSecond, maxSlots)
		for ext := last; ext > last-kept; ext-- {
			p, ok := cache.load(ext, buf)
			if !ok || p.ext != ext || binary.BigEndian.Uint64(buf[1000:]) != uint64(ext) {
				t.Fatalf("%d packets a second: packet %d of %d, of %d ms ago, is not kept", c.perSecond, ext, last, (now-p.arrival)/ms)
			}
		}
		for _, ext := range []int64{last + 1, last - maxSlots, last + int64(c.slots)} {
			if _, ok := cache.load(ext, buf); ok {
				t.Errorf("%d packets a second: packet %d is there, the last is %d", c.perSecond, ext, last)
			}
		}
	}
}

// Late packets fill their places, and a gap does not make the cache grow.
func TestCacheTakesPacketsInAnyOrder(t *testing.T) {
	var cache cache
	codec := &Codec{Name: VP8}
	for _, ext := range []int64{100, 103, 101, 5000, 102, 4999} {
		cache.store(&packet{ext: ext, arrival: ext * ms, codec: codec, payload: []byte{1}})
	}
	buf := make([]byte, maxPayload)
	for _, ext := range []int64{100, 101, 102, 103, 4999, 5000} {
		if _, ok := cache.load(ext, buf); !ok {
			t.Errorf("packet %d is not there", ext)
		}
	}
	if _, ok := cache.load(104, buf); ok {
		t.Error("a packet is there that never came")
	}
}

func TestCacheTakesTheLargestPacket(t *testing.T) {
	if size := unsafe.Sizeof(slot{}); size > 1536 {
		t.Errorf("a slot takes %d bytes", size)
	}
	var cache cache
	payload := make([]byte, maxPayload+1)
	cache.store(&packet{ext: 1, codec: &Codec{}, payload: payload[:maxPayload-3], descriptor: []byte{1, 2, 3}})
	cache.store(&packet{ext: 2, codec: &Codec{}, payload: payload})
	buf := make([]byte, maxPayload)
	if p, ok := cache.load(1, buf); !ok || int(p.size) != maxPayload-3 || p.extra != 3 || buf[maxPayload-1] != 3 {
		t.Errorf("%+v, %v", p, ok)
	}
	if _, ok := cache.load(2, buf); ok {
		t.Error("a packet is there that is too large")
	}
}
