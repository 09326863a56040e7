//go:build unix

package balancer

import (
	"io"
	"net"
	"os"
	"syscall"
)

// rawReader reads from a socket and holds a buffer only while there are bytes: it
// tries to read first, gives the buffer back when there is nothing, and waits
// without one.
//
// For a reader that rests between two reads, the socket stays silent while there is
// enough coming: each arrival that is reported wakes a thread for nobody.
type rawReader struct {
	conn    syscall.RawConn
	buffers pool
	rests   bool
	try     func(fd uintptr) bool // of attempt, made once
	silent  bool                  // the socket reports no less than a full buffer

	buf *[bufferSize]byte // of the latest attempt; nil when it found nothing
	n   int
	err error
}

// newRawReader returns nil for connections that are not sockets. rests tells that
// there is time between two calls of next, for bytes to gather.
func newRawReader(c net.Conn, buffers pool, rests bool) source {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil || raw.Control(func(uintptr) {}) != nil {
		return nil
	}
	r := &rawReader{conn: raw, buffers: buffers, rests: rests}
	r.try = r.attempt
	return r
}

func (r *rawReader) next() (*[bufferSize]byte, int, bool, error) {
	if err := r.conn.Read(r.try); err != nil {
		return r.buffers.Get().(*[bufferSize]byte), 0, false, err
	}
	return r.buf, r.n, r.n == bufferSize, r.err
}

// attempt returns false to wait until the socket has something to read.
func (r *rawReader) attempt(fd uintptr) bool {
	r.buf = r.buffers.Get().(*[bufferSize]byte)
	for {
		n, err := syscall.Read(int(fd), r.buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN && r.silent:
			r.report(fd, 1)
			continue
		case err == syscall.EAGAIN:
			r.buffers.Put(r.buf)
			r.buf = nil
			return false
		case err != nil:
			r.n, r.err = 0, os.NewSyscallError("read", err)
		case n == 0:
			r.n, r.err = 0, io.EOF
		default:
			r.n, r.err = n, nil
			if r.rests && !r.silent {
				r.report(fd, bufferSize)
			}
		}
		return true
	}
}

// report has the socket report what there is to read from so many bytes on, and its
// end. It is a wish: who is reported too much to finds nothing.
func (r *rawReader) report(fd uintptr, from int) {
	err := syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVLOWAT, from)
	r.silent = from > 1 && err == nil
}
