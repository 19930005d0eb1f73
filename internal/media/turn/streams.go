package turn

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	maxStreams  = 8192             // TCP and TLS connections
	maxStranger = 64               // without an allocation, of one address or, with IPv6, one /64
	strangerFor = 10 * time.Second // how long one may stay without an allocation
	// idleFor is longer than an allocation lives without a refresh.
	idleFor      = 11 * time.Minute
	writeTimeout = 10 * time.Second // for one message: who takes less is gone
)

// streams bounds the TCP and TLS connections and closes those that the library leaves open.
type streams struct {
	strangerFor time.Duration

	mu        sync.Mutex
	closed    bool
	byClient  map[string]*guardedConn
	strangers map[netip.Addr]int
}

func (s *streams) init() {
	s.strangerFor = strangerFor
	s.byClient = make(map[string]*guardedConn)
	s.strangers = make(map[netip.Addr]int)
}

// guarded is a listener whose connections are bounded.
type guarded struct {
	net.Listener
	streams *streams
}

func (g guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if c := g.streams.enter(conn); c != nil {
			return c, nil
		}
		conn.Close()
	}
}

// guardedConn is one of them.
type guardedConn struct {
	net.Conn
	streams *streams
	client  string
	origin  netip.Addr
	once    sync.Once
	expiry  *time.Timer

	stranger bool // guarded by the mutex of streams
}

func (s *streams) enter(conn net.Conn) *guardedConn {
	c := &guardedConn{Conn: conn, streams: s, client: conn.RemoteAddr().String(), origin: originOf(conn.RemoteAddr()), stranger: true}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.byClient) >= maxStreams || s.strangers[c.origin] >= maxStranger || s.byClient[c.client] != nil {
		return nil
	}
	s.byClient[c.client] = c
	s.strangers[c.origin]++
	c.expiry = time.AfterFunc(s.strangerFor, func() { c.Close() })
	return c
}

func originOf(addr net.Addr) netip.Addr {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return ip
}

// admit lets a connection stay: it has an allocation.
func (s *streams) admit(client net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.findLocked(client); c != nil {
		c.expiry.Stop()
		s.knownLocked(c)
	}
}

// dismiss makes a connection a stranger again: its allocation has ended.
func (s *streams) dismiss(client net.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.findLocked(client); c != nil && !c.stranger {
		c.stranger = true
		s.strangers[c.origin]++
		c.expiry.Reset(s.strangerFor)
	}
}

func (s *streams) findLocked(client net.Addr) *guardedConn {
	if client.Network() != "tcp" {
		return nil
	}
	return s.byClient[client.String()]
}

func (s *streams) knownLocked(c *guardedConn) {
	if !c.stranger {
		return
	}
	c.stranger = false
	if s.strangers[c.origin]--; s.strangers[c.origin] == 0 {
		delete(s.strangers, c.origin)
	}
}

// close closes them all and refuses further ones.
func (s *streams) close() {
	s.mu.Lock()
	s.closed = true
	list := make([]*guardedConn, 0, len(s.byClient))
	for _, c := range s.byClient {
		list = append(list, c)
	}
	s.mu.Unlock()
	for _, c := range list {
		c.Close()
	}
}

func (c *guardedConn) Read(b []byte) (int, error) {
	c.SetReadDeadline(time.Now().Add(idleFor))
	n, err := c.Conn.Read(b)
	if err != nil {
		c.Close() // the library does not after a failed handshake
	}
	return n, err
}

// Write closes the connection when it fails, because half a message has been sent then.
func (c *guardedConn) Write(b []byte) (int, error) {
	c.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := c.Conn.Write(b)
	if err != nil {
		c.Close()
	}
	return n, err
}

func (c *guardedConn) Close() (err error) {
	c.once.Do(func() {
		err = c.Conn.Close()
		c.streams.mu.Lock()
		defer c.streams.mu.Unlock()
		c.expiry.Stop()
		c.streams.knownLocked(c)
		delete(c.streams.byClient, c.client)
	})
	return err
}
