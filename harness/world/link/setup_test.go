package link

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/world"
	"deadair/harness/world/sock"
)

const (
	patience = 30 * time.Second      // for what must come, on a slow machine, too
	silence  = 60 * time.Millisecond // for what must not come
	tick     = 2 * time.Millisecond
)

var key = Key{From: "a", To: "b", Port: 8000}

// bench is a Set with one link a→b:8000 and a target behind it.
type bench struct {
	t    testing.TB
	set  *Set
	addr netip.AddrPort
	ln   net.Listener

	mu   sync.Mutex
	seen []world.Conn
}

func newBench(t testing.TB) *bench {
	b := &bench{t: t}
	set, err := New(Config{
		Address: freeAddress,
		Watch: func(c world.Conn) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.seen = append(b.seen, c)
		},
	})
	require.NoError(t, err)
	b.set = set
	t.Cleanup(set.Close)
	b.addr, err = set.Address(key)
	require.NoError(t, err)
	b.listen()
	return b
}

// freeAddress is a port that stays free while its link is closed: where a system has
// addresses enough, it is of one that nobody else uses.
func freeAddress(Key) (netip.AddrPort, error) {
	ln, err := net.Listen("tcp", "127.250.250.1:0")
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		ln, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer ln.Close()
	return netip.ParseAddrPort(ln.Addr().String())
}

func (b *bench) listen() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b.t, err)
	b.ln = ln
	b.t.Cleanup(func() { ln.Close() })
	require.NoError(b.t, b.set.Up("b", 8000, ln.Addr().String()))
}

// dial connects to the link and waits until it took the connection.
func (b *bench) dial() *net.TCPConn {
	d := net.Dialer{Control: sock.Share}
	c, err := d.DialContext(b.t.Context(), "tcp", b.addr.String())
	require.NoError(b.t, err)
	b.t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	b.set.Admitted(ctx, key, c.LocalAddr())
	require.NoError(b.t, ctx.Err(), "the link must take the connection")
	return c.(*net.TCPConn)
}

func (b *bench) accept() *net.TCPConn {
	require.NoError(b.t, b.ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	c, err := b.ln.Accept()
	require.NoError(b.t, err)
	b.t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// pair is a connection through the link that has carried a byte each way.
func (b *bench) pair() (client, server *net.TCPConn) {
	client = b.dial()
	server = b.accept()
	send(b.t, client, "?")
	require.Equal(b.t, "?", receive(b.t, server, 1))
	send(b.t, server, "!")
	require.Equal(b.t, "!", receive(b.t, client, 1))
	return client, server
}

func (b *bench) brk(f world.LinkFault) *Fault {
	broken, err := b.set.Break(f)
	require.NoError(b.t, err)
	return broken
}

// classes lists what the watcher was told, begins and ends apart.
func (b *bench) classes(ended bool) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var classes []string
	for _, c := range b.seen {
		if c.Ended == ended {
			classes = append(classes, c.Class)
		}
	}
	return classes
}

func (b *bench) eventually(what func() bool, msg string) {
	b.t.Helper()
	require.Eventually(b.t, what, patience, tick, msg)
}

func send(t testing.TB, c net.Conn, text string) {
	t.Helper()
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(patience)))
	_, err := io.WriteString(c, text)
	require.NoError(t, err)
}

func receive(t testing.TB, c net.Conn, n int) string {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	p := make([]byte, n)
	_, err := io.ReadFull(c, p)
	require.NoError(t, err)
	return string(p)
}

// hears reads what comes until silence, or the end.
func hears(t testing.TB, c net.Conn) (string, error) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(silence)))
	defer c.SetReadDeadline(time.Time{})
	var all bytes.Buffer
	_, err := io.Copy(&all, c)
	return all.String(), err
}

func requireSilent(t testing.TB, c net.Conn) {
	t.Helper()
	got, err := hears(t, c)
	require.Empty(t, got)
	var wait net.Error
	require.True(t, errors.As(err, &wait) && wait.Timeout(), "expected silence, got %v", err)
}

func requireReset(t testing.TB, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func requireRefused(t testing.TB, addr netip.AddrPort) {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err == nil {
		c.Close()
	}
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}
