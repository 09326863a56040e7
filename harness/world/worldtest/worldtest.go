// Package worldtest is what every world's network must do: the same tests run on
// sockets in memory and on the system's own, and must find the same bytes, ends
// and error classes.
//
// It tests what programs can tell apart, not how fast a network is.
package worldtest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Sockets is how one process opens its sockets. The functions are those of env.Env.
type Sockets struct {
	Listen       func(ctx context.Context, network, addr string) (net.Listener, error)
	ListenPacket func(ctx context.Context, network, addr string) (net.PacketConn, error)
	DialContext  func(ctx context.Context, network, addr string) (net.Conn, error)
	Addr         string // its host's address
}

// Bed is a network under test.
type Bed struct {
	// Run runs one test on a fresh network, with two processes on two hosts that are
	// at most 5 ms apart.
	Run func(t *testing.T, test func(t *testing.T, server, client Sockets))
}

// Network runs all tests.
func Network(t *testing.T, b Bed) {
	for _, part := range []map[string]func(*testing.T, *pair){streams(), resets(), deadlines()} {
		for name, test := range part {
			t.Run(name, func(t *testing.T) {
				b.Run(t, func(t *testing.T, server, client Sockets) {
					p := connect(t, server, client)
					defer p.close()
					test(t, p)
				})
			})
		}
	}
	for _, part := range []map[string]func(*testing.T, Sockets, Sockets){listeners(), datagrams()} {
		for name, test := range part {
			t.Run(name, func(t *testing.T) { b.Run(t, test) })
		}
	}
}

// end is what a stream's end can do on every network.
type end interface {
	net.Conn
	CloseWrite() error
	SetLinger(sec int) error
	syscall.Conn
}

// pair is a connection with both its ends.
type pair struct{ client, server end }

func connect(t *testing.T, server, client Sockets) *pair {
	l, err := server.Listen(t.Context(), "tcp", server.Addr+":0")
	require.NoError(t, err)
	defer l.Close()
	return dialTo(t, l, client)
}

func dialTo(t *testing.T, l net.Listener, client Sockets) *pair {
	c, err := client.DialContext(t.Context(), "tcp", l.Addr().String())
	require.NoError(t, err)
	s, err := l.Accept()
	require.NoError(t, err)
	require.Equal(t, c.LocalAddr().String(), s.RemoteAddr().String())
	require.Equal(t, s.LocalAddr().String(), c.RemoteAddr().String())
	return &pair{c.(end), s.(end)}
}

func (p *pair) close() {
	p.client.Close()
	p.server.Close()
}

// travel waits until whatever was sent has arrived, and its answer too.
func travel() { time.Sleep(40 * time.Millisecond) }

// class is what programs see in an error.
func class(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, io.EOF):
		return "eof"
	case errors.Is(err, net.ErrClosed):
		return "closed"
	case errors.Is(err, syscall.ECONNRESET):
		return "reset"
	case errors.Is(err, syscall.EPIPE):
		return "pipe"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.EADDRINUSE):
		return "in use"
	case errors.Is(err, syscall.ENOTCONN):
		return "not connected"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "deadline"
	case errors.Is(err, context.Canceled), err.Error() == "operation was canceled":
		return "canceled"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return err.Error()
}

// wants reads once and compares bytes and class.
func wants(t *testing.T, c net.Conn, bytes, want string) {
	t.Helper()
	buf := make([]byte, 1024)
	n, err := c.Read(buf)
	require.Equal(t, want, class(err))
	require.Equal(t, bytes, string(buf[:n]))
}

// sends writes once and compares the class.
func sends(t *testing.T, c net.Conn, bytes, want string) {
	t.Helper()
	n, err := c.Write([]byte(bytes))
	require.Equal(t, want, class(err))
	if want == "ok" {
		require.Equal(t, len(bytes), n)
	}
}

// abort closes an end so that its peer sees a reset.
func abort(t *testing.T, c end) {
	t.Helper()
	require.NoError(t, c.SetLinger(0))
	require.NoError(t, c.Close())
}
