package recorder

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"deadair/balancer/recorder/manifest"
)

// source is one connection of a broadcaster, from its claim on.
type source struct {
	mount string
	conn  net.Conn
	done  chan struct{} // closed when all it sent is written and nothing more will be

	mu    sync.Mutex     // guards cause and, with it, the connection's read deadline
	cause manifest.Cause // why it has to go; "" while it need not
}

func newSource(mount string, conn net.Conn) *source {
	return &source{mount: mount, conn: conn, done: make(chan struct{})}
}

// stop makes a source go. What arrives within the grace is still recorded. The first
// cause counts.
func (s *source) stop(cause manifest.Cause, grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != "" {
		return
	}
	s.cause = cause
	_ = s.conn.SetReadDeadline(time.Now().Add(grace)) // fails only if it is closed already
}

// expect gives a source time to send something, unless it has to go.
func (s *source) expect(by time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == "" {
		_ = s.conn.SetReadDeadline(by)
	}
}

// causeOf tells why a source ended whose connection gave an error.
func (s *source) causeOf(err error) manifest.Cause {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cause != "":
		return s.cause
	case errors.Is(err, io.EOF):
		return manifest.EOF
	case errors.Is(err, os.ErrDeadlineExceeded):
		return manifest.Idle
	}
	return manifest.Reset
}

// copy records what a source sends until it ends, and tells why it did. What is read
// is written at once: the death of the process loses none of it.
func (s *source) copy(t *tape, idle time.Duration) manifest.Cause {
	patience := idle / 16 // so that the deadline is not set for each read
	refresh := time.Time{}
	for {
		if now := time.Now(); !now.Before(refresh) {
			refresh = now.Add(patience)
			s.expect(refresh.Add(idle))
		}
		n, err := s.conn.Read(t.room())
		if writeErr := t.take(n); writeErr != nil {
			return diskCause(writeErr)
		}
		if err != nil {
			return s.causeOf(err)
		}
	}
}

func diskCause(err error) manifest.Cause {
	if isFull(err) {
		return manifest.DiskFull
	}
	return manifest.DiskError
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
