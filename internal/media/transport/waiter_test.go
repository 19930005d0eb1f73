package transport

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// TestReaderWaitsEitherWay receives datagrams that come before and while the reader waits, woken by them and looking by
// itself, in turn.
func TestReaderWaitsEitherWay(t *testing.T) {
	s := listen(t, Config{})
	from, err := openUDP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer from.close()
	client, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(from.addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := newSocketReader(s, from)
	begin := make(chan time.Duration)
	received := make(chan int)
	ended := make(chan error)
	go func() {
		for interval := range begin {
			r.moderation = moderation{interval: interval, since: Now()}
			err := from.arrivals.read(r.receive)
			if err != nil {
				ended <- err
				return
			}
			received <- r.n
		}
	}()
	for i, interval := range []time.Duration{pollInterval, pollInterval, 0, calmInterval, pollInterval, 0, 0} {
		early := i%2 == 0
		if early {
			client.Write([]byte("x"))
		}
		begin <- interval
		if !early {
			client.Write([]byte("x"))
		}
		if n := receive(t, "a datagram", received); n != 1 {
			t.Fatalf("%d datagrams, want 1", n)
		}
	}
	begin <- calmInterval
	from.interrupt()
	if err := receive(t, "the end", ended); !errors.Is(err, os.ErrClosed) {
		t.Errorf("ended with %v", err)
	}
	close(begin)
}
