package lean

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Engine drives all clients of the process.
type Engine struct {
	certificate tls.Certificate
	fingerprint string
	epoll       int

	mu    sync.RWMutex
	conns map[int32]*Conn // by descriptor

	clock   clock
	sending atomic.Bool // media flows; control traffic always does
	done    chan struct{}
	closed  atomic.Bool
	loops   sync.WaitGroup
}

// New starts an engine without clients.
func New() (*Engine, error) {
	certificate, fingerprint, err := newCertificate()
	if err != nil {
		return nil, err
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		certificate: certificate, fingerprint: fingerprint, epoll: epoll,
		conns: make(map[int32]*Conn), done: make(chan struct{}),
	}
	e.loops.Add(2)
	go e.receive()
	go e.send()
	return e, nil
}

// Close ends all clients and the engine's goroutines.
func (e *Engine) Close() {
	for _, c := range e.all() {
		c.Close()
	}
	if e.closed.CompareAndSwap(false, true) {
		close(e.done)
		e.loops.Wait()
		unix.Close(e.epoll)
	}
}

// Send lets media flow, or stops it. Consent checks and reports go on.
func (e *Engine) Send(on bool) { e.sending.Store(on) }

// Fingerprint is the SHA-256 fingerprint of all clients' certificate (RFC 8122 section 5).
func (e *Engine) Fingerprint() string { return e.fingerprint }

func (e *Engine) all() []*Conn {
	e.mu.RLock()
	defer e.mu.RUnlock()
	list := make([]*Conn, 0, len(e.conns))
	for _, c := range e.conns {
		list = append(list, c)
	}
	return list
}

// pollInterval bounds how long Close waits for the receiver.
const pollInterval = 100 // ms

// receive waits for datagrams and has them handled.
func (e *Engine) receive() {
	defer e.loops.Done()
	in := newInbox()
	events := make([]unix.EpollEvent, 256)
	for !e.closed.Load() {
		n, err := unix.EpollWait(e.epoll, events, pollInterval)
		if err != nil && err != unix.EINTR {
			return
		}
		for i := range max(n, 0) {
			e.mu.RLock()
			c := e.conns[events[i].Fd]
			e.mu.RUnlock()
			if c != nil {
				in.drain(c)
			}
		}
	}
}

// send runs what is due, with the precision of the timers of the system.
func (e *Engine) send() {
	defer e.loops.Done()
	for {
		wait := e.clock.run(Now())
		select {
		case <-e.done:
			return
		case <-time.After(wait):
		}
	}
}

// epoch is the zero of Now; it never changes.
var epoch = time.Now()

// Now is the clock of all measurements: nanoseconds, monotonic.
func Now() int64 { return int64(time.Since(epoch)) }

func newCertificate() (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	var pairs []string
	for _, b := range sha256.Sum256(der) {
		pairs = append(pairs, fmt.Sprintf("%02X", b))
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, strings.Join(pairs, ":"), nil
}
