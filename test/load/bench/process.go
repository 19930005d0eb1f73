package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what some processes have used, or hold now.
type usage struct {
	cpu     time.Duration // user and system, by the scheduler's clock: exact to the nanosecond
	rss     int64         // bytes
	threads int
}

// measure adds up processes.
func measure(pids []int) (usage, error) {
	var u usage
	for _, pid := range pids {
		cpu, err := cpuTime(pid)
		if err != nil {
			return u, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		u.cpu += cpu
		rss, threads, err := status(pid)
		if err != nil {
			return u, err
		}
		u.rss += rss
		u.threads += threads
	}
	return u, nil
}

// cpuTime reads the CPU clock of a process; 0 stands for this one. The number of such a clock is made of the process id
// (clock_getcpuclockid(3)).
func cpuTime(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	err := unix.ClockGettime(int32(^pid)<<3|scheduled, &t)
	return time.Duration(t.Nano()), err
}

func status(pid int) (rss int64, threads int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		f := strings.Fields(value)
		switch key {
		case "VmRSS":
			kb, _ := strconv.ParseInt(f[0], 10, 64)
			rss = kb << 10
		case "Threads":
			threads, _ = strconv.Atoi(f[0])
		}
	}
	return rss, threads, nil
}

// machine is the time that all processors together were busy.
func machine() (busy time.Duration, err error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, f := range strings.Fields(line)[1:] {
		if i == 3 || i == 4 || i > 7 { // idle, iowait, and guests, who are part of others
			continue
		}
		ticks, _ := strconv.ParseInt(f, 10, 64)
		busy += time.Duration(ticks) * (time.Second / 100) // USER_HZ
	}
	return busy, nil
}

// Moment is what this process and the machine have used until now.
type Moment struct {
	At        time.Time
	Own, Busy time.Duration // CPU time of this process, and of the whole machine
}

// Look takes a Moment.
func Look() (m Moment, err error) {
	if m.Own, err = cpuTime(os.Getpid()); err != nil {
		return m, err
	}
	m.Busy, err = machine()
	m.At = time.Now()
	return m, err
}
