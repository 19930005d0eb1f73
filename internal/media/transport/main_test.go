package transport

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of the tests; a correct run needs a fraction of it.
const patience = 15 * time.Second

func listen(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// eventually polls a condition that another goroutine or the kernel brings about.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: did not happen in %v", what, patience)
		}
	}
}

func receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: did not come in %v", what, patience)
		panic("unreachable")
	}
}

type received struct {
	header  rtp.Header
	payload []byte
	arrival int64
}

// recorder is a Handler that reports what it is called with. The hooks, if set, run on the caller's goroutine.
type recorder struct {
	rtp       chan received
	rtcp      chan []byte
	connected chan struct{}
	closed    chan error

	onRTP    func(b *Batch, h *rtp.Header, payload []byte)
	onClosed func()
}

func newRecorder() *recorder {
	return &recorder{
		rtp: make(chan received, 1024), rtcp: make(chan []byte, 1024),
		connected: make(chan struct{}, 2), closed: make(chan error, 2),
	}
}

func (r *recorder) HandleRTP(b *Batch, h *rtp.Header, payload []byte, arrival int64) {
	select {
	case r.rtp <- received{h.Clone(), append([]byte(nil), payload...), arrival}:
	default:
	}
	if r.onRTP != nil {
		r.onRTP(b, h, payload)
	}
}

func (r *recorder) HandleRTCP(_ *Batch, packet []byte, _ int64) {
	select {
	case r.rtcp <- append([]byte(nil), packet...):
	default:
	}
}

func (r *recorder) HandleConnected() { r.connected <- struct{}{} }

func (r *recorder) HandleClosed(err error) {
	r.closed <- err
	if r.onClosed != nil {
		r.onClosed()
	}
}
