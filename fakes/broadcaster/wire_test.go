package broadcaster

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// pair is a connection in memory that behaves as TCP of Linux does: bytes wait
// for the reader up to a window; after the peer closed, one more write succeeds
// and draws a reset; a reset is told once, by whichever call comes first.
type pair struct {
	mu      sync.Mutex
	changed *sync.Cond
	window  int
	sides   [2]side
}

type side struct {
	got           []byte
	fin           bool // the peer sends no more
	reset         bool // arrived and not told yet
	dead          bool // told, or drawn
	closed        bool
	linger        bool // set to zero: Close resets
	readBy, until time.Time
}

// end is one end of a pair.
type end struct {
	p      *pair
	me     int
	remote netip.AddrPort
}

func newPair(window int, remote netip.AddrPort) (client, server *end) {
	p := &pair{window: window}
	p.changed = sync.NewCond(&p.mu)
	return &end{p, 0, remote}, &end{p, 1, remote}
}

func (e *end) sides() (mine, theirs *side) { return &e.p.sides[e.me], &e.p.sides[1-e.me] }

func (e *end) Read(b []byte) (int, error) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	s, _ := e.sides()
	for {
		switch {
		case s.closed:
			return 0, net.ErrClosed
		case !s.readBy.IsZero() && !time.Now().Before(s.readBy):
			return 0, os.ErrDeadlineExceeded
		case len(s.got) > 0:
			n := copy(b, s.got)
			s.got = s.got[n:]
			e.p.changed.Broadcast()
			return n, nil
		case s.reset:
			s.reset, s.dead = false, true
			return 0, os.NewSyscallError("read", syscall.ECONNRESET)
		case s.fin, s.dead:
			return 0, io.EOF
		}
		e.p.changed.Wait()
	}
}

func (e *end) Write(b []byte) (int, error) {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	s, peer := e.sides()
	for n := 0; ; {
		switch {
		case s.closed:
			return n, net.ErrClosed
		case s.reset:
			s.reset, s.dead = false, true
			return n, os.NewSyscallError("write", syscall.ECONNRESET)
		case s.dead:
			return n, os.NewSyscallError("write", syscall.EPIPE)
		case !s.until.IsZero() && !time.Now().Before(s.until):
			return n, os.ErrDeadlineExceeded
		case peer.closed:
			s.dead = true
			return len(b), nil
		}
		m := min(len(b)-n, e.p.window-len(peer.got))
		peer.got = append(peer.got, b[n:n+m]...)
		n += m
		e.p.changed.Broadcast()
		if n == len(b) {
			return n, nil
		}
		e.p.changed.Wait()
	}
}

func (e *end) Close() error {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	s, peer := e.sides()
	if s.closed {
		return net.ErrClosed
	}
	s.closed = true
	if s.linger {
		peer.reset, peer.got = true, nil
	}
	peer.fin = true
	e.p.changed.Broadcast()
	return nil
}

func (e *end) CloseWrite() error {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	_, peer := e.sides()
	peer.fin = true
	e.p.changed.Broadcast()
	return nil
}

func (e *end) SetLinger(sec int) error {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	s, _ := e.sides()
	s.linger = sec == 0
	return nil
}

func (e *end) setDeadline(t time.Time, read, write bool) error {
	e.p.mu.Lock()
	defer e.p.mu.Unlock()
	s, _ := e.sides()
	if read {
		s.readBy = t
	}
	if write {
		s.until = t
	}
	e.p.changed.Broadcast()
	if d := time.Until(t); d > 0 {
		time.AfterFunc(d, func() {
			e.p.mu.Lock()
			defer e.p.mu.Unlock()
			e.p.changed.Broadcast()
		})
	}
	return nil
}

func (e *end) SetDeadline(t time.Time) error      { return e.setDeadline(t, true, true) }
func (e *end) SetReadDeadline(t time.Time) error  { return e.setDeadline(t, true, false) }
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadline(t, false, true) }
func (e *end) LocalAddr() net.Addr                { return net.TCPAddrFromAddrPort(e.remote) }
func (e *end) RemoteAddr() net.Addr               { return net.TCPAddrFromAddrPort(e.remote) }
