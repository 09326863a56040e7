// Package audience plays the people on the other side of a platform: visitors of its
// website and its API, who ask again and again, listeners, who keep a connection for as
// long as something comes, and the part of an app that uses the API while it broadcasts.
// Each reports what it got, as a witness.
//
// It owns what such a client does on the wire and when. It does not resolve names
// itself, keep connections between requests, follow redirects or read pages. It does not scale waits:
// whoever plays faster than the clock divides them.
package audience

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Ways are how somebody reaches the world.
type Ways struct {
	// Resolve looks a name up. It must return when ctx is done. An error that is a
	// timeout is reported as one, any other as unresolved.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Dial connects to "ip:port".
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Class is how something went, in place of an error's text.
type Class string

// Classes.
const (
	OK         Class = "ok"
	Answered   Class = "answered"   // the server said something else: see the status
	Refused    Class = "refused"    // nobody listens there, or no way leads there
	Reset      Class = "reset"      // the connection was reset
	EOF        Class = "eof"        // the other end closed it before its time
	Timeout    Class = "timeout"    // nothing came in time
	Declined   Class = "declined"   // the server would not speak so
	Unresolved Class = "unresolved" // the name has no address
)

// maxAddresses is how many addresses of a name are tried.
const maxAddresses = 8

// reach connects to the first address of the first name that has some, and lets it.
// Without a connection it tells the class, and the last address that was tried.
func (w Ways) reach(ctx context.Context, port int, name, second string) (conn net.Conn, peer netip.Addr, class Class) {
	hosts, err := w.Resolve(ctx, name)
	if second != "" && (err != nil || len(hosts) == 0) {
		hosts, err = w.Resolve(ctx, second)
	}
	if err != nil || len(hosts) == 0 {
		if err != nil && isTimeout(err) {
			return nil, netip.Addr{}, Timeout
		}
		return nil, netip.Addr{}, Unresolved
	}
	for _, peer = range hosts[:min(len(hosts), maxAddresses)] {
		conn, err = w.Dial(ctx, "tcp", net.JoinHostPort(peer.String(), strconv.Itoa(port)))
		if err == nil {
			return conn, peer, OK
		}
		if class = classify(err, Refused); class == Timeout {
			break // it took all the patience that there was
		}
	}
	return nil, peer, class
}

// classify gives the class of an error; other is for those of no known kind.
func classify(err error, other Class) Class {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return EOF
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET):
		return Reset
	case isTimeout(err):
		return Timeout
	}
	return other
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout()
}

// undated is a context that is done with another one, and has no deadline: a dialer keeps
// a deadline by a clock of its own, which may be the first to tell.
func undated(ctx context.Context) (context.Context, context.CancelFunc) {
	free, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	return free, func() { stop(); cancel() }
}

// rest waits and tells whether ctx is still not done.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
