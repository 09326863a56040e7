package session_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/stretchr/testify/require"
)

// wires is a network in memory with a Redis at its end. What it does to a
// connection it does without a word, as networks do.
type wires struct {
	redis  *miniredis.Miniredis // nil where another Redis serves
	server *server.Server       // of redis
	serve  func(net.Conn)
	delay  time.Duration // one way

	mu    sync.Mutex
	conns []*wire
	fail  error       // of dials
	lost  bool        // SYNs get no answer
	fresh func(*wire) // done to new connections; nil leaves them alone
}

func newWires(t *testing.T) *wires {
	m := miniredis.NewMiniRedis()
	m.ClockTTL(true)
	first, err := m.Dial() // starts it without a listener
	require.NoError(t, err)
	require.NoError(t, first.Close())
	w := &wires{redis: m, server: m.Server(), serve: m.Server().ServeConn}
	t.Cleanup(m.Close)
	return w
}

func (w *wires) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	fail, lost := w.fail, w.lost
	w.mu.Unlock()
	if lost {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if w.delay > 0 { // Go 1.26's race detector crashes when a bubble has many timers of no time
		select {
		case <-time.After(2 * w.delay):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if fail != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fail}
	}
	client, far := newWire(w.delay)
	w.mu.Lock()
	w.conns = append(w.conns, client)
	if w.fresh != nil {
		w.fresh(client)
	}
	w.mu.Unlock()
	w.serve(far)
	return client, nil
}

// existing are the connections dialled so far and not yet closed by the client.
func (w *wires) existing() []*wire {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.conns), func(c *wire) bool { return c.out.isClosed() })
}

// each does something to both directions of all existing connections.
func (w *wires) each(forth, back func(*half)) {
	for _, c := range w.existing() {
		c.out.change(forth)
		c.in.change(back)
	}
}

// all does something to both directions of all connections, those to come included.
func (w *wires) all(forth, back func(*half)) {
	w.mu.Lock()
	w.fresh = func(c *wire) {
		c.out.change(forth)
		c.in.change(back)
	}
	w.mu.Unlock()
	w.each(forth, back)
}

// heal ends what was done to any connection. What was held comes out, also where
// the client has closed.
func (w *wires) heal() {
	w.mu.Lock()
	w.fresh = nil
	conns := slices.Clone(w.conns)
	w.mu.Unlock()
	for _, c := range conns {
		c.out.change(clear)
		c.in.change(clear)
	}
}

// dialled is how many connections there were so far.
func (w *wires) dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns)
}

func (w *wires) setDials(fail error, lost bool) {
	w.mu.Lock()
	w.fail, w.lost = fail, lost
	w.mu.Unlock()
}

// slow lets each script wait before it starts. (Not its commands, which run under
// miniredis' lock.)
func (w *wires) slow(by time.Duration) {
	w.server.SetPreHook(func(_ *server.Peer, command string, _ ...string) bool {
		if command == "EVAL" {
			time.Sleep(by)
		}
		return false
	})
}

// wire is one end of a connection.
type wire struct{ in, out *half }

func newWire(delay time.Duration) (client, far *wire) {
	a, b := newHalf(delay), newHalf(delay)
	return &wire{in: a, out: b}, &wire{in: b, out: a}
}

func (c *wire) Read(p []byte) (int, error)       { return c.in.read(p) }
func (c *wire) Write(p []byte) (int, error)      { return c.out.write(p) }
func (c *wire) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *wire) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *wire) SetWriteDeadline(time.Time) error { return nil }
func (c *wire) SetDeadline(at time.Time) error   { return c.SetReadDeadline(at) }
func (c *wire) SetReadDeadline(at time.Time) error {
	c.in.change(func(h *half) { h.deadline = at })
	return nil
}

func (c *wire) Close() error {
	c.out.change(func(h *half) { h.closed = true })
	c.in.change(func(h *half) { h.err = net.ErrClosed })
	return nil
}
