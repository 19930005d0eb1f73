package lean

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"golang.org/x/sys/unix"
)

// nullContext has keys that everybody knows, for tests of the generator itself.
func nullContext() (*srtp.Context, error) {
	return srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
}

// ConnectNull connects to a socket of a Reflector, which knows no handshakes.
func (c *Conn) ConnectNull(addr netip.AddrPort) error {
	in, err := nullContext()
	if err != nil {
		return err
	}
	out, err := nullContext()
	if err != nil {
		return err
	}
	c.out = out
	c.in.Store(in)
	if err := c.open(Remote{Addr: addr, VideoPT: VP8PT}); err != nil {
		return err
	}
	c.write([]byte("hello"))
	return nil
}

// Reflector sends packets to clients for next to nothing: they were protected in advance. It is the server that no
// client can blame.
type Reflector struct {
	sockets []int
	packets [][]byte
	next    int
	out     outbox
}

// reflectedFrame is how many packets a client gets at once.
const reflectedFrame = 5

// NewReflector opens a socket for each of n clients.
func NewReflector(n int) (*Reflector, []uint16, error) {
	r := &Reflector{}
	context, err := nullContext()
	if err != nil {
		return nil, nil, err
	}
	const prepared = 64 * reflectedFrame
	for i := range prepared {
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: VP8PT, SSRC: 2, SequenceNumber: uint16(i)}, Payload: make([]byte, 1000)}
		writeStamp(p.Payload)
		raw, err := p.Marshal()
		if err != nil {
			return nil, nil, err
		}
		protected, err := context.EncryptRTP(nil, raw, nil)
		if err != nil {
			return nil, nil, err
		}
		r.packets = append(r.packets, protected)
	}
	var ports []uint16
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, nil, err
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return nil, nil, err
		}
		r.sockets = append(r.sockets, fd)
		ports = append(ports, localAddr(fd).Port())
	}
	return r, ports, nil
}

// Await waits for all clients.
func (r *Reflector) Await() error {
	buffer := make([]byte, 64)
	for _, fd := range r.sockets {
		_, from, err := unix.Recvfrom(fd, buffer, 0)
		if err != nil {
			return fmt.Errorf("wait for a client: %w", err)
		}
		if err := unix.Connect(fd, from); err != nil {
			return err
		}
	}
	return nil
}

// Send sends frames to all clients at a rate of packets per second over all, for some time. It returns how many it
// sent; when the machine cannot do more, that is fewer.
func (r *Reflector) Send(ctx context.Context, rate int, d time.Duration) (sent uint64) {
	start := time.Now()
	for i := 0; ; i++ {
		due := start.Add(time.Duration(float64(i*reflectedFrame) / float64(rate) * float64(time.Second)))
		if due.Sub(start) >= d || time.Since(start) > 2*d || ctx.Err() != nil {
			return sent
		}
		if wait := time.Until(due); wait > 0 {
			time.Sleep(max(wait, time.Millisecond)) // then several are due at once
		}
		for range reflectedFrame {
			r.out.add(r.packets[r.next])
			r.next = (r.next + 1) % len(r.packets)
		}
		sent += uint64(r.out.flush(r.sockets[i%len(r.sockets)]))
	}
}
