package transport

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// tcpLimits bound what those who have not passed an authenticated ICE check can take.
type tcpLimits struct {
	streams     int           // in total
	strangers   int           // not authenticated, in total
	perOrigin   int           // not authenticated, of one origin
	strangerFor time.Duration // how long a stream may stay without an authenticated check
}

var defaultTCPLimits = tcpLimits{streams: 8192, strangers: 512, perOrigin: 32, strangerFor: 10 * time.Second}

// tcpPort accepts the streams of peers that cannot use UDP. A client authenticates within two round trips, so when
// there are too many strangers it is the oldest one that has to go.
type tcpPort struct {
	server   *Server
	listener *net.TCPListener // nil: there is none
	limits   tcpLimits

	mu        sync.Mutex
	total     int
	strangers []*stream // the oldest first
}

// listenTCP opens the port of the same number and address as the UDP socket.
func (s *Server) listenTCP() error {
	s.tcp.server, s.tcp.limits = s, s.cfg.tcp
	if s.tcp.limits == (tcpLimits{}) {
		s.tcp.limits = defaultTCPLimits
	}
	network, host := "tcp", s.socket.addr.Addr().String()
	switch {
	case s.socket.addr.Addr().Is4():
		network = "tcp4"
	case s.socket.wildcard:
		host = "" // both families
	}
	listener, err := net.Listen(network, net.JoinHostPort(host, strconv.Itoa(int(s.socket.addr.Port()))))
	if err != nil {
		return err
	}
	s.tcp.listener = listener.(*net.TCPListener)
	return nil
}

// close stops accepting.
func (p *tcpPort) close() {
	if p.listener != nil {
		p.listener.Close()
	}
}

// accept runs until the listener is closed.
func (p *tcpPort) accept() {
	defer p.server.loops.Done()
	for {
		conn, err := p.listener.AcceptTCP()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // out of file descriptors, or the peer is gone already
			p.server.counters.refused.Add(1)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		p.serve(newStream(p.server, conn))
	}
}

// serve starts the goroutines of a stream, if there is room for it.
func (p *tcpPort) serve(t *stream) {
	if !p.enter(t) || !p.server.outlets.add(t, func(id uint32) { t.path.outlet = id }) {
		p.leave(t)
		p.server.counters.refused.Add(1)
		t.conn.Close()
		return
	}
	p.server.counters.accepted.Add(1)
	p.server.loops.Add(2)
	t.extend(p.limits.strangerFor)
	go func() {
		defer p.server.loops.Done()
		t.write()
	}()
	go func() {
		defer p.server.loops.Done()
		t.read()
		p.server.outlets.remove(t.path.outlet)
		p.server.lost(t.path)
		p.leave(t) // last: who no longer counts the stream finds no trace of it
		t.shut()
	}()
}

// enter counts a stream in, as a stranger. Where there are too many, the oldest one makes room.
func (p *tcpPort) enter(t *stream) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total++ // leave takes it back either way
	if p.total > p.limits.streams {
		return false
	}
	same := func(other *stream) bool { return other.origin == t.origin }
	count := 0
	for _, other := range p.strangers {
		if same(other) {
			count++
		}
	}
	oldest := -1
	switch {
	case count >= p.limits.perOrigin:
		oldest = slices.IndexFunc(p.strangers, same)
	case len(p.strangers) >= p.limits.strangers:
		oldest = 0
	}
	if oldest >= 0 {
		p.strangers[oldest].conn.SetLinger(0)
		p.strangers[oldest].shut()
		p.strangers = slices.Delete(p.strangers, oldest, oldest+1)
		p.server.counters.refused.Add(1)
	}
	p.strangers = append(p.strangers, t)
	return true
}

// admit takes a stream off the list of strangers.
func (p *tcpPort) admit(t *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.admitLocked(t)
}

func (p *tcpPort) admitLocked(t *stream) {
	if i := slices.Index(p.strangers, t); i >= 0 {
		p.strangers = slices.Delete(p.strangers, i, i+1)
	}
}

func (p *tcpPort) leave(t *stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	p.admitLocked(t)
}

func (p *tcpPort) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.total
}

// originOf is whom an address belongs to: with IPv6, a subscriber has at least a /64.
func originOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	prefix, _ := a.Prefix(bits)
	return prefix
}
