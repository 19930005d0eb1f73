package transport

import "carillon/internal/errs"

const (
	// maxDatagram is the longest datagram taken or sent. Media stays below the usual 1500 bytes of a path.
	maxDatagram = 2048
	// A batch's memory grows in chunks up to maxChunks and stays; a batch that is full is flushed.
	chunkSize = 32 << 10
	maxChunks = 64
	// maxSegments bounds what leaves to one receiver in one send: more gains little and makes bursts that shallow
	// queues on the way drop.
	maxSegments = 8
	// maxMessages is how many sends one system call carries.
	maxMessages = 32
)

// Batch collects outgoing datagrams and sends them with few system calls. Datagrams for the same receiver stay in
// order and are grouped, so that runs of equal size leave as one segmented send. When the socket's buffer is full the
// rest is dropped and counted: media that is late is worth nothing. A Batch belongs to one goroutine.
type Batch struct {
	server *Server

	chunks [][]byte
	chunk  int // the one being filled
	used   int // bytes of it

	packets []packet
	chains  []chain
	index   []int32 // by connection id: its latest chain; only a hint, because ids are used again

	sender sender

	patient, urgent int // how often Patient and Urgent were called
}

// packet is one datagram in a chunk.
type packet struct {
	data []byte
	next int32 // the next one of the same chain, or -1
}

// chain is the datagrams for one receiver.
type chain struct {
	conn       *Conn
	to         path
	head, tail int32
}

// NewBatch makes an empty batch.
func (s *Server) NewBatch() *Batch {
	b := &Batch{server: s}
	b.sender.init(s)
	return b
}

// BorrowBatch returns an empty batch for a moment. A batch takes some 50 KB and more, and those who send many times a
// second, a little each time, do so one after the other.
func (s *Server) BorrowBatch() *Batch {
	if b, ok := s.idle.Get().(*Batch); ok {
		return b
	}
	return s.NewBatch()
}

// ReturnBatch takes a borrowed batch back, once it is flushed.
func (s *Server) ReturnBatch(b *Batch) { s.idle.Put(b) }

// Urgent is for Handlers: the packet at hand goes on to others at once, so the reader should not let packets like it wait.
func (b *Batch) Urgent() { b.urgent++ }

// Patient is for Handlers: nothing was to be done at once about the packet at hand, so packets like it may wait a little.
func (b *Batch) Patient() { b.patient++ }

// arrived is what Handlers have said of n datagrams.
func (b *Batch) arrived(n int) tally {
	a := tally{all: n, patient: b.patient, urgent: b.urgent}
	b.patient, b.urgent = 0, 0
	return a
}

// reserve returns size bytes to build a datagram in. Without a commit they are given out again. A full batch is
// flushed first.
func (b *Batch) reserve(size int) ([]byte, error) {
	if size > maxDatagram {
		return nil, errTooLong
	}
	if len(b.chunks) == 0 {
		b.chunks = append(b.chunks, make([]byte, chunkSize))
	}
	if b.used+size > chunkSize {
		switch {
		case b.chunk+1 < len(b.chunks):
			b.chunk++
			b.used = 0
		case len(b.chunks) < maxChunks:
			b.chunks = append(b.chunks, make([]byte, chunkSize))
			b.chunk++
			b.used = 0
		default:
			b.Flush()
		}
	}
	return b.chunks[b.chunk][b.used : b.used+size : b.used+size], nil
}

// errTooLong is shared because it concerns packets.
var errTooLong = errs.New(errs.Internal, "a packet is too long to be sent")

// commit queues a datagram that was built in reserved bytes.
func (b *Batch) commit(c *Conn, to path, datagram []byte) {
	if hint := b.hint(c); int(hint) < len(b.chains) && b.chains[hint].conn == c && b.chains[hint].to == to {
		ch := &b.chains[hint]
		b.packets[ch.tail].next = b.append(datagram)
		ch.tail = int32(len(b.packets) - 1)
		return
	}
	b.index[c.id] = int32(len(b.chains))
	i := b.append(datagram)
	b.chains = append(b.chains, chain{conn: c, to: to, head: i, tail: i})
}

func (b *Batch) append(datagram []byte) int32 {
	b.used += len(datagram)
	b.packets = append(b.packets, packet{data: datagram, next: -1})
	return int32(len(b.packets) - 1)
}

func (b *Batch) hint(c *Conn) int32 {
	for c.id >= len(b.index) {
		b.index = append(b.index, 0)
	}
	return b.index[c.id]
}

// Flush sends what was collected.
func (b *Batch) Flush() {
	if len(b.packets) == 0 {
		return
	}
	for i := range b.chains {
		ch := &b.chains[i]
		if ch.to.outlet != 0 {
			b.server.divert(ch, b.packets)
			continue
		}
		for next := ch.head; next >= 0; {
			next = b.sender.add(ch, b.packets, next)
		}
	}
	b.sender.transmit()
	clear(b.chains) // closed connections must not live on here
	b.chains = b.chains[:0]
	b.packets = b.packets[:0]
	b.chunk, b.used = 0, 0
}
