package signaling

import (
	"sync"
	"time"

	"github.com/coder/websocket"

	"carillon/internal/signaling/frame"
	"carillon/internal/signaling/signalpb"
)

// maxQueued is how many packets wait for a slow client before it is cut off.
const maxQueued = 1024

// partTimeout is how long the last words may take.
const partTimeout = 5 * time.Second

// outbox is what a session has to say. There is a goroutine that says it only while there is something to say.
type outbox struct {
	writers sync.WaitGroup // added to with mu held and over false

	mu      sync.Mutex
	queue   [][]byte
	writing bool    // a goroutine writes, or has failed to
	ending  *ending // the socket is to be closed once the queue is empty
	parting *time.Timer
	over    bool // nothing is said any more

	pinger  *time.Timer
	pings   byte // sent so far, in effect: payload of the last one
	pinging bool // the last ping has not been answered
}

// ending is how a socket is to be closed.
type ending struct {
	code   websocket.StatusCode
	reason string
	wait   time.Duration // for the client to say LEAVE first
}

// open begins to look whether the client is still there.
func (s *session) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pinger = time.AfterFunc(pingEvery, s.ping)
}

// shut ends what the clock does. Nothing is sent from now on.
func (s *session) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutLocked()
}

func (s *session) shutLocked() {
	s.over, s.queue = true, nil
	s.pinger.Stop()
	if s.parting != nil {
		s.parting.Stop()
	}
}

// send queues a frame. It never blocks; a client that does not read is cut off.
func (s *session) send(f *signalpb.SdkSignalFrame) { s.put(s.pack(f)) }

// pack makes a packet of a frame, nil if that cannot be.
func (s *session) pack(f *signalpb.SdkSignalFrame) []byte {
	now := uint64(time.Now().UnixMilli())
	f.TimestampMs = &now
	packet, err := frame.Packet(f)
	if err != nil {
		s.log().Error("cannot encode a signaling frame", "type", f.GetType(), "reason", err)
	}
	return packet
}

// put queues a packet, which is not changed any more, as send does.
func (s *session) put(packet []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over || packet == nil:
	case len(s.queue) >= maxQueued:
		s.server.complain("signaling client does not read", "conference", s.conferenceID)
		s.cutLocked()
	default:
		s.queue = append(s.queue, packet)
		s.pokeLocked()
	}
}

// cutLocked ends a client that may be dead. Closing the socket waits for those who use it, and a room may be waiting
// for us.
func (s *session) cutLocked() {
	s.writers.Go(func() { s.socket.CloseNow() })
	s.shutLocked()
}

// end closes the socket after what is queued. The first caller decides how.
func (s *session) end(e ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending == nil {
		s.ending = &e
		s.pokeLocked()
	}
}

func (s *session) pokeLocked() {
	if !s.writing && !s.over {
		s.writing = true
		s.writers.Go(s.write)
	}
}

// write sends what is queued until there is no more. A socket that fails is closed, which ends the reader.
func (s *session) write() {
	for packets := s.take(); len(packets) > 0; packets = s.take() {
		if s.socket.send(packets) != nil {
			s.socket.CloseNow()
			return
		}
	}
}

// take returns what there is to send. When that is nothing, the writing ends, and if the socket is to be closed then,
// that begins: a frame that was queued before the ending never stays behind.
func (s *session) take() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	packets := s.queue
	s.queue = nil
	if len(packets) == 0 {
		s.writing = false
		if s.ending != nil && s.parting == nil && !s.over {
			s.parting = time.AfterFunc(s.ending.wait, func() { s.part(s.ending.code, s.ending.reason) })
		}
	}
	return packets
}

// part closes the socket in order. Nothing may follow the close frame (RFC 6455 section 5.5.1), so it waits for what is
// being written. It is for any goroutine but a writer's.
func (s *session) part(code websocket.StatusCode, reason string) {
	s.shut()
	_ = s.socket.wire.SetWriteDeadline(time.Now().Add(partTimeout)) // no ping cuts off a client that does not read any more
	s.writers.Wait()
	s.socket.Close(code, reason)
}

// ping asks whether the client is still there, now and from time to time, and cuts it off if it did not answer.
func (s *session) ping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
	case s.pinging:
		s.cutLocked()
	default:
		s.pinging = true
		s.pings++
		s.queue = append(s.queue, pingPacket(s.pings))
		s.pokeLocked()
		s.pinger.Reset(pingEvery)
	}
}

// pong takes the answer to a ping.
func (s *session) pong(payload []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(payload) == 1 && payload[0] == s.pings {
		s.pinging = false
	}
}
