package lean

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v5/packetio"
	"golang.org/x/sys/unix"

	"carillon/internal/ids"
)

// Remote is what a client must know of the server's end of a connection.
type Remote struct {
	Addr       netip.AddrPort
	Ufrag, Pwd string
	AudioPT    uint8 // payload types of what the server sends, 0 = none
	VideoPT    uint8
	RTXPT      uint8
}

// Conn is one connection to the server. Ufrag and Pwd go into the description that the server gets.
type Conn struct {
	engine     *Engine
	Ufrag, Pwd string

	fd     int32
	remote Remote
	dtls   *packetio.Buffer
	agreed chan struct{} // closed by the first answered check
	checks atomic.Int64  // answered
	closed atomic.Bool

	session *dtls.Conn
	in      atomic.Pointer[srtp.Context] // used by the receiver only

	mu    sync.Mutex // guards out and what is sent with it
	out   *srtp.Context
	outgo outbox

	received  received
	flows     []*Flow
	transport uint16 // last transport-wide sequence number
	ssrc      uint32 // of reports when nothing is sent
	sink      func(payload []byte, arrival int64)
}

// NewConn makes a connection that does nothing yet.
func (e *Engine) NewConn() *Conn {
	return &Conn{
		engine: e, Ufrag: ids.ICE(8), Pwd: ids.ICE(24), fd: -1, dtls: packetio.NewBuffer(), agreed: make(chan struct{}),
		received: received{streams: make(map[uint32]*Stream)}, ssrc: newSSRC(),
	}
}

// Listen has every audio packet decrypted and handed to f, on the receiver's goroutine; nil changes nothing. Call it
// before Connect.
func (c *Conn) Listen(f func(payload []byte, arrival int64)) { c.sink = f }

// checkInterval is that of connectivity checks until one is answered; consentInterval that of checks later on
// (RFC 7675 section 5.1 wants about 5 s; browsers are at half of it).
const (
	checkInterval   = 20 * time.Millisecond
	consentInterval = 2500 * time.Millisecond
)

// Connect does ICE and DTLS.
func (c *Conn) Connect(ctx context.Context, remote Remote) error {
	if err := c.open(remote); err != nil {
		return err
	}
	if err := c.agree(ctx); err != nil {
		return err
	}
	if err := c.handshake(ctx); err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	c.maintain()
	return nil
}

// open makes the socket, and has it watched.
func (c *Conn) open(remote Remote) error {
	fd, err := dial(remote.Addr)
	if err != nil {
		return err
	}
	c.remote, c.fd = remote, int32(fd)
	c.engine.mu.Lock()
	c.engine.conns[c.fd] = c
	c.engine.mu.Unlock()
	err = unix.EpollCtl(c.engine.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: c.fd})
	if err != nil {
		return fmt.Errorf("watch a socket: %w", err)
	}
	return nil
}

// agree sends checks until one is answered.
func (c *Conn) agree(ctx context.Context) error {
	ticker := time.NewTicker(checkInterval)
	defer ticker.Stop()
	for {
		c.check()
		select {
		case <-c.agreed:
			return nil
		case <-ticker.C:
		case <-ctx.Done():
			return errors.New("the server answers no connectivity checks")
		}
	}
}

// maintain keeps the server's consent and sends reports once a second.
func (c *Conn) maintain() {
	now := Now()
	c.engine.clock.add(now+int64(consentInterval), func(now int64) int64 {
		if c.closed.Load() {
			return 0
		}
		c.check()
		return now + int64(consentInterval)
	})
	c.engine.clock.add(now+int64(time.Second), func(now int64) int64 {
		if c.closed.Load() {
			return 0
		}
		c.report(now)
		return now + int64(time.Second)
	})
}

// Alive reports whether the server has answered a check; it is false for those it forgot.
func (c *Conn) Alive() bool { return c.checks.Load() > 0 && !c.closed.Load() }

// Close ends the connection.
func (c *Conn) Close() {
	if !c.closed.CompareAndSwap(false, true) {
		return
	}
	if c.session != nil {
		c.session.Close()
	}
	c.dtls.Close()
	if c.fd < 0 {
		return
	}
	c.engine.mu.Lock()
	delete(c.engine.conns, c.fd)
	c.engine.mu.Unlock()
	c.mu.Lock() // nobody sends now
	defer c.mu.Unlock()
	unix.Close(int(c.fd))
}

// write sends one datagram.
func (c *Conn) write(datagram []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed.Load() {
		unix.Write(int(c.fd), datagram)
	}
}

// Expect tells which payload types the server uses, when that has become known later.
func (c *Conn) Expect(r Remote) {
	c.received.mu.Lock()
	defer c.received.mu.Unlock()
	c.remote.AudioPT, c.remote.VideoPT, c.remote.RTXPT = r.AudioPT, r.VideoPT, r.RTXPT
}
