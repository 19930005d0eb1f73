package transport

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// waiter waits until datagrams arrive at a socket, or until it is time to look for them.
//
// The poller of the runtime could wait for the socket, but it also waits for it to become writable, so that the kernel
// wakes it after each send, which costs half as much as the send itself. So the socket is given to a poller of ours
// (epoll(7)) that looks for input only, and that one to the runtime's. The clock is a timer of the kernel, because the
// runtime wakes a second thread when one of its own timers ends.
type waiter struct {
	poller *os.File
	raw    syscall.RawConn
	closed atomic.Bool

	// Belong to the goroutine that reads.
	fd, socket, clock int
	polling           bool // the clock ends the waiting
}

func newWaiter(socket int) (*waiter, error) {
	w := &waiter{socket: socket}
	var err error
	if w.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if w.clock, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		unix.Close(w.fd)
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	if err := w.set(); err != nil {
		unix.Close(w.fd)
		unix.Close(w.clock)
		return nil, err
	}
	w.poller = os.NewFile(uintptr(w.fd), "media port")
	if w.raw, err = w.poller.SyscallConn(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *waiter) set() error {
	if err := unix.SetNonblock(w.fd, true); err != nil { // else the runtime does not take it
		return os.NewSyscallError("fcntl", err)
	}
	arrival := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(w.socket)}
	if err := unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, w.socket, &arrival); err != nil {
		return os.NewSyscallError("epoll_ctl", err)
	}
	tick := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(w.clock)} // by edge: setting the clock again is enough, nobody reads it
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.fd, unix.EPOLL_CTL_ADD, w.clock, &tick))
}

// read calls try until it is true, and waits before each further time. It fails with os.ErrClosed after interrupt.
func (w *waiter) read(try func(uintptr) bool) error {
	err := w.raw.Read(try)
	if err != nil && w.closed.Load() {
		return os.ErrClosed
	}
	return err
}

// wait says what the next wait is for: the end of an interval, or, if that is 0, datagrams. It is to be called by try.
func (w *waiter) wait(interval time.Duration) {
	// None of the calls fails with descriptors of the right kind.
	polling := interval > 0
	if polling {
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(interval))}
		_ = unix.TimerfdSettime(w.clock, 0, &spec, nil)
	}
	if w.polling == polling {
		return
	}
	w.polling = polling
	arrival := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(w.socket)}
	if polling {
		arrival.Events = 0
	} else {
		_ = unix.TimerfdSettime(w.clock, 0, &unix.ItimerSpec{}, nil) // or it would count as readable for good
	}
	_ = unix.EpollCtl(w.fd, unix.EPOLL_CTL_MOD, w.socket, &arrival)
}

// interrupt ends every read, now and later.
func (w *waiter) interrupt() {
	w.closed.Store(true)
	w.poller.Close()
}

// close gives the descriptors back. Nobody may be reading any more.
func (w *waiter) close() {
	w.interrupt()
	unix.Close(w.clock)
}
