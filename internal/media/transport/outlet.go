package transport

import "sync"

// outlet is a way between a peer and us that is not the UDP socket. Its number is part of the path of what comes
// through it, so that nothing that was said through one is ever taken for another.
type outlet interface {
	// push queues a datagram, or drops it. It never waits.
	push(datagram []byte, to *path)
	// release says that the connection that used it is over.
	release()
	// shut ends it.
	shut()
}

// outlets finds them by number.
type outlets struct {
	mu     sync.RWMutex
	sealed bool
	byID   map[uint32]outlet
	last   uint32
}

func (o *outlets) init() { o.byID = make(map[uint32]outlet) }

// add gives an outlet its number before it is found. It is false when the server is closed.
func (o *outlets) add(out outlet, setID func(uint32)) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sealed {
		return false
	}
	for o.last++; o.last == 0 || o.byID[o.last] != nil; o.last++ { // 0 is the socket
	}
	setID(o.last)
	o.byID[o.last] = out
	return true
}

func (o *outlets) remove(id uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byID, id)
}

func (o *outlets) find(id uint32) outlet {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.byID[id]
}

// seal refuses new ones and shuts those there are.
func (o *outlets) seal() {
	o.mu.Lock()
	o.sealed = true
	list := make([]outlet, 0, len(o.byID))
	for _, out := range o.byID {
		list = append(list, out)
	}
	o.mu.Unlock()
	for _, out := range list {
		out.shut()
	}
}

// divert hands the datagrams of a chain to the outlet that they leave through.
func (s *Server) divert(ch *chain, packets []packet) {
	out := s.outlets.find(ch.to.outlet)
	for next := ch.head; next >= 0; next = packets[next].next {
		if out == nil {
			s.counters.sendDropped.Add(1)
			continue
		}
		out.push(packets[next].data, &ch.to)
	}
}

// release lets go of the outlets of address pairs that no connection uses any more.
func (s *Server) release(paths ...path) {
	for i := range paths {
		if paths[i].outlet == 0 {
			continue
		}
		if out := s.outlets.find(paths[i].outlet); out != nil {
			out.release()
		}
	}
}

// lost forgets an address pair whose outlet is gone.
func (s *Server) lost(p path) {
	c := s.conns.drop(p)
	if c == nil {
		return
	}
	c.out.mu.Lock()
	defer c.out.mu.Unlock()
	if c.out.to == p {
		c.out.reachable, c.out.nominated = false, false // the next check on any pair takes over
	}
}
