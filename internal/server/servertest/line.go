package servertest

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// Shape is one direction of a Line. The zero value lets everything through at once.
type Shape struct {
	Rate  int           // bit/s, 0 = no limit
	Queue time.Duration // that packets may wait for their turn at Rate before they are dropped; 0 = 200 ms
	Delay time.Duration // beside that
	Loss  float64       // share of packets that are lost, 0 to 1
}

// Line is a UDP relay between one client and the media port of the server, with the bandwidth, queue, delay and losses of
// a bad connection. What is lost is decided by a seed.
type Line struct {
	client, server *net.UDPConn
	work           sync.WaitGroup

	mu       sync.Mutex
	peer     netip.AddrPort // of the client
	down, up direction
}

type direction struct {
	Shape
	random *rand.Rand
	busy   time.Time // until when the line is taken
}

// NewLine makes a Line to the media port at an address, until the test ends.
func NewLine(t testing.TB, media netip.AddrPort, seed uint64) *Line {
	t.Helper()
	client, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	must(t, err)
	server, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(media))
	must(t, err)
	l := &Line{client: client, server: server}
	l.down.random, l.up.random = rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	t.Cleanup(l.close)
	l.relay(&l.up, l.fromClient, func(b []byte) { _, _ = server.Write(b) })
	l.relay(&l.down, server.Read, l.toClient)
	return l
}

// Down shapes what the client receives, Up what it sends, from now on.
func (l *Line) Down(s Shape) { l.set(&l.down, s) }

// Up is Down the other way.
func (l *Line) Up(s Shape) { l.set(&l.up, s) }

func (l *Line) set(d *direction, s Shape) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.Shape = s
}

func (l *Line) close() {
	l.client.Close()
	l.server.Close()
	l.work.Wait()
}

// through makes an answer lead to the Line instead of the server.
func (l *Line) through(answer string) string {
	from := l.server.RemoteAddr().(*net.UDPAddr).AddrPort()
	to := l.client.LocalAddr().(*net.UDPAddr).AddrPort()
	spell := func(a netip.AddrPort) string { return strings.ReplaceAll(a.String(), ":", " ") }
	return strings.ReplaceAll(answer, spell(from)+" typ", spell(to)+" typ")
}

func (l *Line) fromClient(b []byte) (int, error) {
	n, from, err := l.client.ReadFromUDPAddrPort(b)
	l.mu.Lock()
	l.peer = from
	l.mu.Unlock()
	return n, err
}

func (l *Line) toClient(b []byte) {
	l.mu.Lock()
	to := l.peer
	l.mu.Unlock()
	_, _ = l.client.WriteToUDPAddrPort(b, to)
}

// parcel is a datagram on its way.
type parcel struct {
	data []byte
	due  time.Time
}

// relay carries one direction until its socket is closed.
func (l *Line) relay(d *direction, read func([]byte) (int, error), write func([]byte)) {
	way := make(chan parcel, 1<<14)
	l.work.Go(func() {
		defer close(way)
		buffer := make([]byte, 2048)
		for {
			n, err := read(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // the other side has no socket at present
			}
			if due, ok := l.admit(d, n); ok {
				way <- parcel{append([]byte(nil), buffer[:n]...), due}
			}
		}
	})
	l.work.Go(func() {
		for p := range way {
			time.Sleep(time.Until(p.due))
			write(p.data)
		}
	})
}

// admit decides what becomes of a datagram: when it arrives, or that it is lost.
func (l *Line) admit(d *direction, size int) (due time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if d.random.Float64() < d.Loss {
		return now, false
	}
	if d.busy.Before(now) {
		d.busy = now
	}
	if d.Rate > 0 {
		queue := d.Queue
		if queue == 0 {
			queue = 200 * time.Millisecond
		}
		if d.busy.Sub(now) > queue {
			return now, false
		}
		const headers = 28 // IPv4 and UDP
		d.busy = d.busy.Add(time.Duration(float64(size+headers) * 8 / float64(d.Rate) * float64(time.Second)))
	}
	return d.busy.Add(d.Delay), true
}
