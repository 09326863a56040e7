package link

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"deadair/harness/world/sock"
)

// buffer is what one read may fill.
type buffer [16 << 10]byte

// socketBuffer is what the kernel keeps for a link in each direction. Left alone
// it would grow to megabytes and hide a reader that has stopped.
const socketBuffer = 128 << 10

// socket is one end of a connection. Only one goroutine reads from it, only one writes.
type socket struct {
	net.Conn
	raw    syscall.RawConn
	hungUp atomic.Bool

	fail    func(error)   // notes the first failure
	failed  chan struct{} // closed when failure is set
	failure error
}

func newSocket(c net.Conn) (*socket, error) {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("take %T as a socket: it has no descriptor", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("take a socket: %w", err)
	}
	if b, ok := c.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}); ok {
		b.SetReadBuffer(socketBuffer)
		b.SetWriteBuffer(socketBuffer)
	}
	s := &socket{Conn: c, raw: raw, failed: make(chan struct{})}
	var once sync.Once
	s.fail = func(err error) {
		once.Do(func() {
			s.failure = err
			close(s.failed)
		})
	}
	return s, nil
}

// take reads once, into a buffer from the pool that is only held while there is
// something to read: an idle connection costs no buffer. The caller gives the buffer back unless it is nil.
func (s *socket) take(pool *sync.Pool) (b *buffer, n int, err error) {
	robbed := false
	waited := s.raw.Read(func(fd uintptr) bool {
		b = pool.Get().(*buffer)
		for {
			n, err = syscall.Read(int(fd), b[:])
			if !errors.Is(err, syscall.EINTR) {
				break
			}
		}
		if errors.Is(err, syscall.EAGAIN) {
			pool.Put(b)
			b = nil
			return false
		}
		robbed = n == 0 && err == nil && !s.hungUp.Load() && sock.Over(fd) && sock.Pending(fd) == nil
		return true
	})
	if waited != nil {
		return nil, 0, waited
	}
	if err != nil {
		return b, 0, err
	}
	if n > 0 {
		return b, n, nil
	}
	if robbed {
		// The kernel tells of a reset once: the writer has it, and is about to say so.
		<-s.failed
		if errors.Is(s.failure, syscall.ECONNRESET) {
			return b, 0, s.failure
		}
	}
	return b, 0, io.EOF
}

// watch waits, after the end of the stream, until the connection is over. That
// is a reset unless this side had hung up too. It returns an error when poked or closed.
func (s *socket) watch() (reset bool, err error) {
	err = s.raw.Read(sock.Over)
	return err == nil && !s.hungUp.Load(), err
}

func (s *socket) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	if err != nil {
		s.fail(err)
	}
	return n, err
}

func (s *socket) Close() error {
	s.fail(net.ErrClosed)
	return s.Conn.Close()
}

// poke wakes a reader that waits: it gets os.ErrDeadlineExceeded and calls settle.
func (s *socket) poke() { s.SetReadDeadline(time.Unix(1, 0)) }

// settle takes a poke back, once it has been noticed.
func (s *socket) settle() { s.SetReadDeadline(time.Time{}) }

// hangUp ends this side's half of the connection.
func (s *socket) hangUp() {
	s.hungUp.Store(true)
	if c, ok := s.Conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
}

// reset ends the connection so that the peer sees ECONNRESET.
func (s *socket) reset() {
	if c, ok := s.Conn.(interface{ SetLinger(int) error }); ok {
		c.SetLinger(0)
	}
	s.Close()
}
