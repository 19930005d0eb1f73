package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// server is the program under measurement.
type server struct {
	process *exec.Cmd
	data    string
	host    string // host:port
	signer  signer
}

func startServer(binary string) (_ *server, err error) {
	s := &server{}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.data, err = os.MkdirTemp("", "apiload-"); err != nil {
		return nil, err
	}
	ready := filepath.Join(s.data, "ready.json")
	s.process = exec.Command(binary, "serve", "--data", s.data, "--listen", "127.0.0.1:0", "--media", "127.0.0.1:0", "--log", "warn", "--ready-file", ready)
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	address, err := waitReady(ready)
	if err != nil {
		return nil, err
	}
	s.host = address
	out, err := exec.Command(binary, "keys", "create", "--data", s.data, "--name", "apiload", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	var key struct{ AccessKeyID, SecretAccessKey string }
	if err := json.Unmarshal(out, &key); err != nil {
		return nil, err
	}
	s.signer = newSigner(key.AccessKeyID, key.SecretAccessKey, s.host, time.Now())
	return s, nil
}

func waitReady(path string) (string, error) {
	for deadline := time.Now().Add(15 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.HasSuffix(text, []byte("\n")) {
			continue
		}
		var said struct{ URL string }
		if err := json.Unmarshal(text, &said); err != nil {
			return "", err
		}
		u, err := url.Parse(said.URL)
		if err != nil {
			return "", err
		}
		return u.Host, nil
	}
	return "", fmt.Errorf("the server did not start in time")
}

func (s *server) stop() {
	if s.process != nil && s.process.Process != nil {
		s.process.Process.Signal(unix.SIGTERM)
		s.process.Wait()
	}
	os.RemoveAll(s.data)
}

func (s *server) dial() (net.Conn, error) { return net.Dial("tcp", s.host) }

// cpu is the CPU time that the server has used so far: user and system, in clock ticks of 10 ms.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("cannot read the CPU time of the server: %q", rest)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

// ownCPU is the CPU time of this process.
func ownCPU() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err) // the clock exists on every Linux
	}
	return time.Duration(ts.Nano())
}

// machine says what else was going on.
func machine() string {
	load, _ := os.ReadFile("/proc/loadavg")
	return fmt.Sprintf("%d cores, load %s, %s", runtime.NumCPU(), strings.Join(strings.Fields(string(load))[:3], " "), runtime.Version())
}
