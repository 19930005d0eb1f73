package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// result is what a measurement found.
type result struct {
	took           time.Duration
	latencies      []time.Duration // sorted
	server, client time.Duration   // CPU time
}

func (r result) String() string {
	n := len(r.latencies)
	ms := func(share float64) float64 { return r.latencies[int(share*float64(n-1))].Seconds() * 1000 }
	each := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(n) }
	return fmt.Sprintf("%9d %8.0f %8.2f %8.2f %8.2f %13.1f %13.1f", n, float64(n)/r.took.Seconds(), ms(.5), ms(.99), ms(1), each(r.server), each(r.client))
}

// measure sends requests over the connections, one after the other on each, until the time is over. With a
// rate, a request has its moment and its latency counts from that moment, whether or not a connection was
// free: a server that stalls is not excused from the requests that would have come meanwhile.
func (s *server) measure(requests [][]byte, duration time.Duration, connections int, rate float64) (result, error) {
	before, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	own, start := ownCPU(), time.Now()
	r := &runner{server: s, requests: requests, rate: rate, start: start, end: start.Add(duration)}
	all := make([][]time.Duration, connections)
	failures := make([]error, connections)
	var done sync.WaitGroup
	for i := range connections {
		done.Go(func() { all[i], failures[i] = r.run() })
	}
	done.Wait()
	out := result{took: time.Since(start), client: ownCPU() - own, latencies: slices.Concat(all...)}
	for _, err := range failures {
		if err != nil {
			return result{}, err
		}
	}
	after, err := s.cpu()
	if err != nil || len(out.latencies) == 0 {
		return result{}, fmt.Errorf("nothing was measured: %w", err)
	}
	out.server = after - before
	slices.Sort(out.latencies)
	return out, nil
}

type runner struct {
	server     *server
	requests   [][]byte
	rate       float64
	start, end time.Time
	next       atomic.Int64
}

// run is one connection.
func (r *runner) run() ([]time.Duration, error) {
	conn, err := r.server.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	var latencies []time.Duration
	for {
		i := int(r.next.Add(1) - 1)
		begin := time.Now()
		if r.rate > 0 {
			begin = r.start.Add(time.Duration(float64(i) / r.rate * float64(time.Second)))
			time.Sleep(time.Until(begin))
		}
		if begin.After(r.end) {
			return latencies, nil
		}
		if _, err := conn.Write(r.requests[i%len(r.requests)]); err != nil {
			return nil, err
		}
		if _, err := readAnswer(answers); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
}

// readAnswer reads one answer and returns its body. Anything but 200 is an error.
func readAnswer(r *bufio.Reader) ([]byte, error) {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	good, said := bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")), string(status)
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return nil, err
			}
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	if !good {
		return nil, fmt.Errorf("the server answered %s: %s", said, body)
	}
	return body, nil
}
