package session_test

import (
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// half is one direction. Writes never wait.
type half struct {
	delay time.Duration

	mu       sync.Mutex
	writes   int
	wake     chan struct{} // closed and replaced by every change
	pieces   []piece
	closed   bool // by the writer
	err      error
	held     bool // nothing comes out until it is delivered
	swallow  bool // what goes in never comes out
	deadline time.Time

	jitter  time.Duration
	rate    int // bytes per second; 0 is any
	slice   int // bytes of a piece; 0 is any
	limited bool
	left    int  // bytes that come out yet, if limited
	fin     bool // then the end does
}

type piece struct {
	due  time.Time
	data []byte
}

func newHalf(delay time.Duration) *half { return &half{delay: delay, wake: make(chan struct{})} }

func (h *half) change(f func(*half)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
	close(h.wake)
	h.wake = make(chan struct{})
}

func (h *half) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

func (h *half) write(p []byte) (int, error) {
	err := error(nil)
	h.change(func(h *half) {
		h.writes++
		switch {
		case h.err != nil:
			err = h.err
		case h.closed:
			err = net.ErrClosed
		case !h.swallow:
			h.queue(p)
		}
	})
	return len(p), err
}

// queue cuts what is written into pieces, each with its time.
func (h *half) queue(p []byte) {
	delay := h.delay - h.jitter
	if h.writes%2 == 0 {
		delay = h.delay + h.jitter
	}
	due := time.Now().Add(delay)
	if n := len(h.pieces); n > 0 && h.pieces[n-1].due.After(due) {
		due = h.pieces[n-1].due
	}
	if h.rate > 0 {
		due = due.Add(time.Duration(len(p)) * time.Second / time.Duration(h.rate))
	}
	size := len(p)
	if h.slice > 0 {
		size = h.slice
	}
	for part := range slices.Chunk(p, max(1, size)) {
		h.pieces = append(h.pieces, piece{due, slices.Clone(part)})
		due = due.Add(time.Millisecond)
	}
}

func (h *half) read(p []byte) (int, error) {
	for {
		n, wake, wait, err := h.next(p)
		if n > 0 || err != nil {
			return n, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next is what can be read now, or what to wait for.
func (h *half) next(p []byte) (n int, wake chan struct{}, wait time.Duration, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	wait = time.Hour
	switch {
	case h.err != nil:
		return 0, nil, 0, h.err
	case !h.deadline.IsZero() && !now.Before(h.deadline):
		return 0, nil, 0, os.ErrDeadlineExceeded
	case !h.deadline.IsZero():
		wait = h.deadline.Sub(now)
	}
	if h.limited && h.left == 0 && h.fin {
		return 0, nil, 0, io.EOF
	}
	if h.held || h.swallow || h.limited && h.left == 0 {
		return 0, h.wake, wait, nil
	}
	if len(h.pieces) == 0 {
		if h.closed {
			return 0, nil, 0, io.EOF
		}
		return 0, h.wake, wait, nil
	}
	first := &h.pieces[0]
	if due := first.due.Sub(now); due > 0 {
		return 0, h.wake, min(wait, due), nil
	}
	n = len(first.data)
	if h.limited {
		n = min(n, h.left)
	}
	n = copy(p, first.data[:n])
	h.left -= n
	if first.data = first.data[n:]; len(first.data) == 0 {
		h.pieces = h.pieces[1:]
	}
	return n, nil, 0, nil
}

// What can be done to a direction of a connection.
func swallow(h *half) { h.swallow = true }
func hold(h *half)    { h.held = true }
func deliver(h *half) { h.held = false }
func reset(h *half)   { h.err = syscall.ECONNRESET }
func finish(h *half)  { h.closed = true } // with a FIN
func leave(*half)     {}

// lag has what is written from now on take that long, jitter more or less in turns.
func lag(by, jitter time.Duration) func(*half) {
	return func(h *half) { h.delay, h.jitter = by, jitter }
}

// narrow lets through so many bytes a second.
func narrow(rate int) func(*half) { return func(h *half) { h.rate = rate } }

// slice delivers what is written in pieces of n bytes, a millisecond apart.
func slice(n int) func(*half) { return func(h *half) { h.slice = n } }

// cutAfter lets n more bytes through and then nothing, with a FIN or without.
func cutAfter(n int, fin bool) func(*half) {
	return func(h *half) { h.limited, h.left, h.fin = true, n, fin }
}

// clear has what is written from now on, and what was held, come out as usual.
func clear(h *half) {
	h.delay, h.jitter, h.rate, h.slice, h.held, h.swallow, h.limited = 0, 0, 0, 0, false, false, false
}
