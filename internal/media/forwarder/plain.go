package forwarder

import (
	"hash/maphash"

	"github.com/pion/rtp"
)

// plainHistory remembers what was sent on a section without RTX, by a hash of each packet. There a packet is repeated
// under its own number, which must not change a byte of it: AES-GCM breaks when one nonce protects two texts (RFC 7714
// section 8.1), and a sender that wants that to happen has some say in what a packet is rewritten to.
type plainHistory struct {
	seed   maphash.Seed
	sums   [maxSlots]uint64 // by sequence number
	header [512]byte        // scratch
}

func newPlainHistory() *plainHistory { return &plainHistory{seed: maphash.MakeSeed()} }

// note remembers a packet that is sent for the first time.
func (p *plainHistory) note(h *rtp.Header, payload []byte) {
	p.sums[h.SequenceNumber%maxSlots] = p.sum(h, payload)
}

// same tells whether a packet is what was sent under its number, to the bit.
func (p *plainHistory) same(h *rtp.Header, payload []byte) bool {
	sum := p.sum(h, payload)
	return sum != 0 && sum == p.sums[h.SequenceNumber%maxSlots]
}

// sum is the hash of a packet, 0 if its header is too long to be repeated.
func (p *plainHistory) sum(h *rtp.Header, payload []byte) uint64 {
	n, err := h.MarshalTo(p.header[:])
	if err != nil {
		return 0
	}
	var hash maphash.Hash
	hash.SetSeed(p.seed)
	hash.Write(p.header[:n])
	hash.Write(payload)
	return hash.Sum64()
}
