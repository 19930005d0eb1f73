package transport

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// controlSize holds the ancillary data of one message: an in6_pktinfo and a segment size.
const controlSize = 64

// control is aligned as the kernel wants it.
type control [controlSize / 8]uint64

func (c *control) bytes() []byte { return unsafe.Slice((*byte)(unsafe.Pointer(c)), controlSize) }

const cmsgHeader = int(unsafe.Sizeof(unix.Cmsghdr{}))

// putCmsg appends one ancillary message at offset at and returns its data and the offset behind it.
func (c *control) putCmsg(at int, level, kind int32, size int) (data []byte, end int) {
	b := c.bytes()
	h := (*unix.Cmsghdr)(unsafe.Pointer(&b[at]))
	h.Level, h.Type = level, kind
	h.SetLen(unix.CmsgLen(size))
	start := at + unix.CmsgLen(0)
	return b[start : start+size], at + unix.CmsgSpace(size)
}

// putLocal asks for the source address of the path (RFC 3542 section 6.2): a peer drops answers that come from
// another address than the one it asked. It returns the length of what is in c.
func (c *control) putLocal(family uint16, p *path) int {
	if p.local == ([16]byte{}) {
		return 0
	}
	if family == unix.AF_INET {
		data, end := c.putCmsg(0, unix.IPPROTO_IP, unix.IP_PKTINFO, unix.SizeofInet4Pktinfo)
		clear(data)
		copy(data[4:8], p.local[12:]) // ipi_spec_dst
		return end
	}
	data, end := c.putCmsg(0, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, unix.SizeofInet6Pktinfo)
	clear(data)
	copy(data, p.local[:])
	return end
}

// putSegment asks the kernel to cut the message into datagrams of size bytes (UDP generic segmentation offload).
func (c *control) putSegment(at, size int) int {
	data, end := c.putCmsg(at, unix.IPPROTO_UDP, unix.UDP_SEGMENT, 2)
	binary.NativeEndian.PutUint16(data, uint16(size))
	return end
}

// local finds the destination address of a received message in n bytes of ancillary data.
func (c *control) local(n int) (local [16]byte) {
	b := c.bytes()[:min(n, controlSize)]
	for len(b) >= cmsgHeader {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < cmsgHeader || size > len(b) {
			return local
		}
		data := b[unix.CmsgLen(0):size]
		switch {
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= 16:
			copy(local[:], data)
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			local = mapped([4]byte(data[4:8]))
		}
		b = b[min(len(b), unix.CmsgSpace(size-unix.CmsgLen(0))):]
	}
	return local
}
