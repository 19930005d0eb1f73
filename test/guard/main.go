// Command guard keeps the fast path fast: it counts the instructions of forwarding with valgrind, which does
// not depend on what else the machine has to do, and compares them with the recorded number. It fails too when packets
// cost allocations.
//
//	go run ./test/guard            fails when forwarding takes more instructions than recorded
//	go run ./test/guard --record   records the present number, to be committed with a reason
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

const (
	record = "test/guard/instructions.json"
	// few and many frames are forwarded; the difference has nothing of starting and ending. Few is enough to fill the
	// packet cache, which takes its memory as the first packets come.
	few, many = 500, 1500
	// packets that a frame becomes: 5 to each of 10 receivers.
	perFrame = 50
	// tolerance in percent, for other versions of Go and of valgrind.
	tolerance = 5
)

// recorded is the content of the file.
type recorded struct {
	// InstructionsPerPacket is for each packet to each receiver, a tenth of reading and decrypting it included.
	InstructionsPerPacket float64
	Go                    string // with which it was counted
}

func main() {
	if err := guard(len(os.Args) > 1 && os.Args[1] == "--record"); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

func guard(write bool) error {
	dir, err := os.MkdirTemp("", "carillon-guard-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "path")
	build := exec.Command("go", "build", "-o", binary, "./test/guard/path")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	low, err := count(binary, few)
	if err != nil {
		return err
	}
	high, err := count(binary, many)
	if err != nil {
		return err
	}
	now := float64(high-low) / (many - few) / perFrame
	fmt.Printf("forwarding takes %.0f instructions for each packet to each receiver\n", now)
	if write {
		text, err := json.MarshalIndent(recorded{InstructionsPerPacket: now, Go: runtime.Version()}, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(record, append(text, '\n'), 0o644)
	}
	return compare(now)
}

func compare(now float64) error {
	text, err := os.ReadFile(record)
	if err != nil {
		return err
	}
	var before recorded
	if err := json.Unmarshal(text, &before); err != nil {
		return fmt.Errorf("%s: %w", record, err)
	}
	change := 100 * (now/before.InstructionsPerPacket - 1)
	switch {
	case change > tolerance:
		return fmt.Errorf("that is %.1f %% more than the recorded %.0f (with %s); make it fast again, or record it with the reason: go run ./test/guard --record",
			change, before.InstructionsPerPacket, before.Go)
	case change < -tolerance:
		return fmt.Errorf("that is %.1f %% less than the recorded %.0f: record it, so that it stays so: go run ./test/guard --record",
			-change, before.InstructionsPerPacket)
	}
	fmt.Printf("within %d %% of the recorded %.0f\n", tolerance, before.InstructionsPerPacket)
	return nil
}

// count runs the program under callgrind and returns the instructions of user mode.
func count(binary string, frames int) (int64, error) {
	c := exec.Command("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", binary, strconv.Itoa(frames))
	// One thread, and no interruptions by the runtime, which come by the clock.
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	out, err := c.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("valgrind: %w\n%s", err, out)
	}
	found := regexp.MustCompile(`Collected : (\d+)`).FindStringSubmatch(strings.ReplaceAll(string(out), ",", ""))
	if found == nil {
		return 0, fmt.Errorf("valgrind counted nothing:\n%s", out)
	}
	return strconv.ParseInt(found[1], 10, 64)
}
