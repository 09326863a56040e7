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
	leave chan struct{}  // closed when it has to go
}

// pace is how often a source is read.
type pace struct {
	idle  time.Duration // without a byte it is given up after this
	batch time.Duration // between two reads; 0: as bytes come
}

// maxBatch is the longest pause between two reads: a second of 128 kbit/s fits into the
// smallest receive buffer that systems give a socket.
const maxBatch = time.Second

func newSource(mount string, conn net.Conn) *source {
	return &source{mount: mount, conn: conn, done: make(chan struct{}), leave: make(chan struct{})}
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
	close(s.leave)
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
//
// With a batch a source costs a wakeup for each, and not for each packet.
func (s *source) copy(t *tape, p pace) manifest.Cause {
	patience := p.idle / 16 // so that the deadline is not set for each read
	refresh := time.Time{}
	var pause *time.Timer
	if p.batch > 0 {
		pause = time.NewTimer(p.batch)
		defer pause.Stop()
	}
	for {
		if now := time.Now(); !now.Before(refresh) {
			refresh = now.Add(patience)
			s.expect(refresh.Add(p.idle))
		}
		room := t.room()
		n, err := s.conn.Read(room)
		if writeErr := t.take(n); writeErr != nil {
			return diskCause(writeErr)
		}
		if err != nil {
			return s.causeOf(err)
		}
		if pause != nil && n < len(room) { // a full one has more to read
			s.rest(pause, p.batch)
		}
	}
}

// rest lets bytes gather for a while, unless the source has to go.
func (s *source) rest(pause *time.Timer, d time.Duration) {
	pause.Reset(d)
	select {
	case <-pause.C:
	case <-s.leave:
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
