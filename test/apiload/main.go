// Command apiload measures the meetings API: it starts the program on an empty data directory, sends signed
// requests over connections of its own and prints rates, latencies and the CPU time of both sides.
//
// Requests are signed and put into bytes before the clock starts, and answers are read with as little work
// as possible, so that what is left of the machine goes to the server.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/carillon", "the program to measure")
	duration := flag.Duration("duration", 5*time.Second, "how long each measurement takes")
	connections := flag.Int("connections", 32, "how many requests are under way at a time")
	flag.Parse()
	if err := run(*binary, *duration, *connections); err != nil {
		fmt.Fprintln(os.Stderr, "apiload:", err)
		os.Exit(1)
	}
}

// What the API is expected to reach; half of the rate of creations is where its latency is measured.
const (
	creationGoal = 2000
	readGoal     = 10000
	expected     = 6 * creationGoal // more creations per second than that are not prepared
)

func run(binary string, duration time.Duration, connections int) error {
	s, err := startServer(binary)
	if err != nil {
		return err
	}
	defer s.stop()
	meetings, err := s.createMeetings(400)
	if err != nil {
		return err
	}
	seconds := int(duration/time.Second) + 1
	fmt.Printf("machine: %s\n", machine())
	fmt.Printf("%-34s %9s %8s %8s %8s %8s %13s %13s\n", "measurement", "requests", "per s", "p50 ms", "p99 ms", "max ms", "server µs/req", "client µs/req")
	for _, m := range []struct {
		name string
		rate float64 // per second; 0 = as fast as answers come
		make func(n int) [][]byte
		n    int
	}{
		{"CreateMeeting + CreateAttendee", 0, func(n int) [][]byte { return s.creations(meetings, n) }, expected * seconds},
		{"the same at half of the goal", creationGoal / 2, func(n int) [][]byte { return s.creations(meetings, n) }, creationGoal / 2 * seconds},
		{"GetMeeting", 0, func(n int) [][]byte { return s.reads(meetings, n) }, 0},
		{"the same at half of the goal", readGoal / 2, func(n int) [][]byte { return s.reads(meetings, n) }, 0},
	} {
		result, err := s.measure(m.make(m.n), duration, connections, m.rate)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		fmt.Printf("%-34s %s\n", m.name, result)
	}
	fmt.Printf("machine: %s\n", machine())
	return nil
}
