package envtest

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// window is how many bytes one direction holds before its writer waits.
const window = 256 << 10

// Conn is one side of a connection. Besides net.Conn it has CloseWrite and
// SetLinger, as TCP connections do.
type Conn struct {
	out, in       *half
	local, remote netip.AddrPort
	abort         atomic.Bool // Close resets
}

func (c *Conn) touches(ip netip.Addr) bool {
	return c.local.Addr() == ip || c.remote.Addr() == ip
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.in.read(b)
	return n, c.wrap("read", err)
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.out.write(b)
	return n, c.wrap("write", err)
}

func (c *Conn) wrap(op string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// CloseWrite ends the outgoing direction: the other side reads io.EOF.
func (c *Conn) CloseWrite() error {
	c.out.change(func(h *half) { h.eof = true })
	return nil
}

// SetLinger with 0 makes Close a reset.
func (c *Conn) SetLinger(seconds int) error {
	if seconds == 0 {
		c.abort.Store(true)
	}
	return nil
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	if c.abort.Load() {
		c.Reset()
	}
	c.out.change(func(h *half) { h.eof, h.writerGone = true, true })
	c.in.change(func(h *half) { h.readerGone, h.buf = true, nil })
	return nil
}

// Reset fails both sides at once; bytes on their way are lost.
func (c *Conn) Reset() {
	for _, h := range []*half{c.out, c.in} {
		h.change(func(h *half) {
			if !h.muted {
				h.reset, h.buf = true, nil
			}
		})
	}
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.in.change(func(h *half) { h.readBy = t })
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.out.change(func(h *half) { h.writeBy = t })
	return nil
}

// half is one direction of a connection.
type half struct {
	mu              sync.Mutex
	changed         chan struct{} // closed at every change
	buf             []byte
	eof             bool // the writer is done
	writerGone      bool // the writer's side is closed
	readerGone      bool // the reader's side is closed
	reset           bool
	muted           bool // bytes, ends and resets get lost
	readBy, writeBy time.Time
}

func newHalf() *half { return &half{changed: make(chan struct{})} }

func (h *half) change(f func(*half)) {
	h.mu.Lock()
	f(h)
	close(h.changed)
	h.changed = make(chan struct{})
	h.mu.Unlock()
}

func (h *half) mute() { h.change(func(h *half) { h.muted, h.buf = true, nil }) }

func (h *half) read(b []byte) (int, error) {
	for {
		h.mu.Lock()
		n, err := h.tryRead(b)
		changed, by := h.changed, h.readBy
		h.mu.Unlock()
		if n > 0 {
			h.change(func(*half) {})
		}
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		wait(changed, by)
	}
}

func (h *half) tryRead(b []byte) (int, error) {
	switch {
	case h.readerGone:
		return 0, net.ErrClosed
	case h.reset:
		return 0, os.NewSyscallError("read", syscall.ECONNRESET)
	case passed(h.readBy):
		return 0, os.ErrDeadlineExceeded
	case len(h.buf) > 0:
		n := copy(b, h.buf)
		h.buf = h.buf[n:]
		return n, nil
	case h.eof && !h.muted:
		return 0, io.EOF
	}
	return 0, nil
}

func (h *half) write(b []byte) (int, error) {
	done := 0
	for {
		h.mu.Lock()
		n, err := h.tryWrite(b[done:])
		changed, by := h.changed, h.writeBy
		h.mu.Unlock()
		done += n
		if n > 0 {
			h.change(func(*half) {})
		}
		if err != nil || done == len(b) {
			return done, err
		}
		if n == 0 {
			wait(changed, by)
		}
	}
}

func (h *half) tryWrite(b []byte) (int, error) {
	switch {
	case h.writerGone:
		return 0, net.ErrClosed
	case h.eof:
		return 0, os.NewSyscallError("write", syscall.EPIPE)
	case h.reset:
		return 0, os.NewSyscallError("write", syscall.ECONNRESET)
	case passed(h.writeBy):
		return 0, os.ErrDeadlineExceeded
	case h.muted:
		return len(b), nil
	case h.readerGone:
		return 0, os.NewSyscallError("write", syscall.EPIPE)
	}
	n := min(len(b), window-len(h.buf))
	h.buf = append(h.buf, b[:n]...)
	return n, nil
}

func passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// wait returns when something changed or the deadline has passed.
func wait(changed <-chan struct{}, by time.Time) {
	if by.IsZero() {
		<-changed
		return
	}
	timer := time.NewTimer(time.Until(by))
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	}
}
