package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running server.
type process struct {
	command *exec.Cmd
	log     string
	ended   chan struct{}
}

// launch starts a program that dies with us. Its standard output and error go to a file in dir; with ready, the first
// line of standard output is read into it as JSON instead.
func launch(ctx context.Context, dir, name string, ready any, program string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// Not bound to ctx: the caller stops it in order.
	p := &process{command: exec.Command(program, args...), log: log.Name(), ended: make(chan struct{})}
	p.command.Stderr = log
	p.command.Stdout = log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out *os.File
	if ready != nil {
		p.command.Stdout = nil
		pipe, err := p.command.StdoutPipe()
		if err != nil {
			return nil, err
		}
		out = pipe.(*os.File)
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if ready != nil {
		deadline, _ := ctx.Deadline()
		out.SetReadDeadline(deadline)
		if err := json.NewDecoder(out).Decode(ready); err != nil {
			p.command.Process.Kill()
			p.command.Wait()
			return nil, fmt.Errorf("%s did not start (%w):\n%s", name, err, p.tail())
		}
		out.SetReadDeadline(time.Time{})
	}
	go func() {
		p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// tail is the end of what the program wrote.
func (p *process) tail() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-2000):])
}

// stop ends the process and those that it has started.
func (p *process) stop() {
	if p == nil {
		return
	}
	group := -p.command.Process.Pid
	syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
	}
	syscall.Kill(group, syscall.SIGKILL)
	<-p.ended
}

// pids are the process and its descendants.
func (p *process) pids() []int {
	found := []int{p.command.Process.Pid}
	for i := 0; i < len(found); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", found[i]))
		for _, t := range tasks {
			text, _ := os.ReadFile(t)
			for _, f := range strings.Fields(string(text)) {
				if pid, err := strconv.Atoi(f); err == nil {
					found = append(found, pid)
				}
			}
		}
	}
	return found
}

// await polls until a server answers, or has ended.
func (p *process) await(ctx context.Context, answers func() error) error {
	for {
		err := answers()
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("the server ended:\n%s", p.tail())
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer (%w):\n%s", err, p.tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// freePort is a port on 127.0.0.1 that nobody uses at the moment.
func freePort(network string) (int, error) {
	if network == "udp" {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return 0, err
		}
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// postJSON sends a request and decodes the answer.
func postJSON(ctx context.Context, url string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return fetch(r, out)
}

func fetch(r *http.Request, out any) error {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.300s", r.Method, r.URL, answer.Status, body.Bytes())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body.Bytes(), out)
}

var errTimeout = errors.New("the server did not send in time what was waited for")
