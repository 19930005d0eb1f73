package transport

import (
	"sync"

	"carillon/internal/errs"
)

// maxPaths bounds the address pairs remembered per connection: interfaces of the client times candidates of ours.
const maxPaths = 16

// pathOwned is how long, after its last authenticated request, an address pair stays with its connection although
// another connection claims it. Without it a participant who can forge source addresses could cut off another one.
const pathOwned = int64(consentTimeout / 2)

// table finds connections by local user name fragment and by validated address pair. The mutex is held for a map
// access only; on the packet path only readers take it, and only for reading.
type table struct {
	mu      sync.RWMutex
	sealed  bool
	byUfrag map[string]*Conn
	byPath  map[path]*Conn
	freeIDs []int // ids of removed connections; ids stay small so that a Batch can index by them
	nextID  int
}

// validated is an address pair of one connection that passed ICE.
type validated struct {
	path path
	last int64 // time of the last authenticated request
}

func (t *table) init() {
	t.byUfrag = make(map[string]*Conn)
	t.byPath = make(map[path]*Conn)
}

// add registers c and sets its id.
func (t *table) add(c *Conn) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sealed {
		return errs.New(errs.Unavailable, "The media port is closed.")
	}
	if t.byUfrag[c.localUfrag] != nil {
		return errs.New(errs.Internal, "a user name fragment was drawn twice")
	}
	if n := len(t.freeIDs); n > 0 {
		c.id, t.freeIDs = t.freeIDs[n-1], t.freeIDs[:n-1]
	} else {
		c.id = t.nextID
		t.nextID++
	}
	t.byUfrag[c.localUfrag] = c
	return nil
}

// remove returns the address pairs that c had.
func (t *table) remove(c *Conn) (paths []path) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byUfrag[c.localUfrag] != c {
		return nil
	}
	delete(t.byUfrag, c.localUfrag)
	for _, v := range c.paths {
		delete(t.byPath, v.path)
		paths = append(paths, v.path)
	}
	c.paths = nil
	t.freeIDs = append(t.freeIDs, c.id)
	return paths
}

// drop forgets an address pair and returns the connection that had it, or nil.
func (t *table) drop(p path) *Conn {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.byPath[p]
	if c != nil {
		delete(t.byPath, p)
		c.dropPathLocked(p)
	}
	return c
}

func (t *table) findUfrag(ufrag []byte) *Conn {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byUfrag[string(ufrag)]
}

func (t *table) findPath(p *path) *Conn {
	t.mu.RLock()
	c := t.byPath[*p]
	t.mu.RUnlock()
	return c
}

// claim records an authenticated request of c from p. It is false when the pair belongs to another living
// connection, or c was removed meanwhile. evicted is the pair that had to go for it, if its outlet is not 0.
func (t *table) claim(c *Conn, p path, now int64) (ok bool, evicted path) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byUfrag[c.localUfrag] != c {
		return false, evicted
	}
	if owner := t.byPath[p]; owner != nil && owner != c {
		if now-owner.lastFromLocked(p) < pathOwned {
			return false, evicted
		}
		owner.dropPathLocked(p)
	}
	t.byPath[p] = c
	oldest := 0
	for i := range c.paths {
		if c.paths[i].path == p {
			c.paths[i].last = now
			return true, evicted
		}
		if c.paths[i].last < c.paths[oldest].last {
			oldest = i
		}
	}
	if len(c.paths) < maxPaths {
		c.paths = append(c.paths, validated{p, now})
		return true, evicted
	}
	evicted = c.paths[oldest].path
	delete(t.byPath, evicted)
	c.paths[oldest] = validated{p, now}
	return true, evicted
}

// lastFrom is the time of the last authenticated request of c from p, 0 for none.
func (t *table) lastFrom(c *Conn, p path) int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return c.lastFromLocked(p)
}

func (c *Conn) lastFromLocked(p path) int64 {
	for i := range c.paths {
		if c.paths[i].path == p {
			return c.paths[i].last
		}
	}
	return 0
}

func (c *Conn) dropPathLocked(p path) {
	for i := range c.paths {
		if c.paths[i].path == p {
			c.paths = append(c.paths[:i], c.paths[i+1:]...)
			return
		}
	}
}

func (t *table) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byUfrag)
}

func (t *table) all() []*Conn {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]*Conn, 0, len(t.byUfrag))
	for _, c := range t.byUfrag {
		list = append(list, c)
	}
	return list
}

// seal refuses new connections and returns those there are.
func (t *table) seal() []*Conn {
	t.mu.Lock()
	t.sealed = true
	t.mu.Unlock()
	return t.all()
}
