package link

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"deadair/harness/world"
	"deadair/harness/world/sock"
)

// conn is one connection over a link: the dialler's socket, the target's, and
// the two directions between them.
type conn struct {
	link   *link
	client *socket
	forth  *way
	back   *way
	gone   chan struct{} // closed by reset

	mu      sync.Mutex
	server  *socket // nil until the target is connected
	touched map[*Fault]bool
	dying   bool // the process at one end is being killed: the other end shall see a reset
	broken  bool // a write failed: the other end shall see a reset
	over    bool // gone is closed
}

func newConn(l *link, client *socket) *conn {
	c := &conn{link: l, client: client, gone: make(chan struct{})}
	c.forth = &way{conn: c, src: client, wake: make(chan struct{}, 1)}
	c.back = &way{conn: c, dst: client, wake: make(chan struct{}, 1)}
	return c
}

// serve carries the connection and returns when it has ended.
func (c *conn) serve() {
	defer c.reset() // does nothing to sockets that are closed
	opened := c.held()
	if opened {
		c.report("held", false)
	}
	class, err := "reset", c.forth.open()
	if err == nil {
		class, err = c.connect()
	}
	if !errors.Is(err, net.ErrClosed) {
		c.report(class, false)
	}
	if err == nil {
		opened = true
		class = c.carry()
	}
	if opened {
		c.report(class, true)
	}
}

// held tells whether a fault keeps the target from hearing of this connection, and counts it.
func (c *conn) held() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.forth.verdict()
	for _, f := range c.forth.faults {
		if v != pass && f.does() == v {
			c.touch(f)
		}
	}
	return v != pass
}

// connect dials the target where it listens now.
func (c *conn) connect() (class string, err error) {
	real, ok := c.link.set.target(c.link.key)
	if !ok {
		return "refused", syscall.ECONNREFUSED
	}
	ctx, cancel := context.WithTimeout(c.link.set.ctx, c.link.set.cfg.DialTimeout)
	defer cancel()
	nc, err := dialAs(ctx, c.client.RemoteAddr(), real)
	if err != nil {
		return classify(err), err
	}
	server, err := newSocket(nc)
	if err != nil {
		nc.Close()
		return "refused", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		server.reset()
		return "reset", net.ErrClosed
	}
	c.server, c.forth.dst, c.back.src = server, server, server
	return "ok", nil
}

// dialAs connects from the dialler's own address, so that the target sees who it
// is. Where that address cannot be shared, its port is another; where the two are
// not both on this machine, so is the address.
func dialAs(ctx context.Context, from net.Addr, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: from, KeepAlive: -1, Control: sock.Share}
	if !isHere(from.String()) || !isHere(to) {
		d.LocalAddr = nil
	}
	c, err := d.DialContext(ctx, "tcp", to)
	if err == nil || !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EADDRNOTAVAIL) {
		return c, err
	}
	at, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return nil, err
	}
	d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.Addr(), 0))
	return d.DialContext(ctx, "tcp", to)
}

// isHere tells whether an address is this machine's alone.
func isHere(addr string) bool {
	at, err := netip.ParseAddrPort(addr)
	return err == nil && at.Addr().IsLoopback()
}

// classify names how a dial failed.
func classify(err error) string {
	var wait net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.As(err, &wait) && wait.Timeout():
		return "timeout"
	}
	return "reset"
}

// carry copies both ways until both have ended, and tells how.
func (c *conn) carry() (class string) {
	var both sync.WaitGroup
	both.Go(c.forth.run)
	c.back.run()
	both.Wait()
	c.mu.Lock()
	rough := c.over || c.broken || c.dying
	c.mu.Unlock()
	if rough {
		c.reset()
		return "reset"
	}
	c.client.Close()
	c.server.Close()
	return "eof"
}

// reset ends both sides with a true reset, and tells whether that was this call's doing.
func (c *conn) reset() bool {
	c.mu.Lock()
	first := c.condemn()
	server, chains := c.server, []*chain{c.forth.chain, c.back.chain}
	c.mu.Unlock()

	c.client.reset()
	if server != nil {
		server.reset()
	}
	for _, ch := range chains {
		if ch != nil {
			ch.abort()
		}
	}
	return first
}

// condemn has the connection carry nothing from now on, and tells whether it was
// not so before. The caller holds mu and calls reset afterwards.
func (c *conn) condemn() bool {
	if c.over {
		return false
	}
	c.over = true
	close(c.gone)
	return true
}

// alive is net.ErrClosed once the connection was reset.
func (c *conn) alive() error {
	select {
	case <-c.gone:
		return net.ErrClosed
	default:
		return nil
	}
}

// finish notes that a direction has ended, and has the other one notice.
func (c *conn) finish(w *way) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.done = true
	c.forth.rouse()
	c.back.rouse()
}

// runs tells whether a direction is still to be carried.
func (c *conn) runs() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.over && !(c.forth.done && c.back.done)
}

// snap notes that a side cannot be written to any more. The other direction goes on
// until it has delivered what that side still sent.
func (c *conn) snap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
}

// doom notes that the process at one end is being killed.
func (c *conn) doom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dying = true
}

func (c *conn) doomed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dying
}

// bury resets a connection whose process on a host is dead, unless a fault keeps
// the other side from hearing of it: then the direction's pump does it when it may.
func (c *conn) bury(host string) {
	w := c.back
	if c.link.key.From == host {
		w = c.forth
	}
	c.mu.Lock()
	c.dying = true
	v := w.verdict()
	c.mu.Unlock()
	if v == pass {
		c.reset()
	}
}

// touch counts the connection as hit by a fault, once. The caller holds mu.
func (c *conn) touch(f *Fault) {
	if c.touched[f] {
		return
	}
	if c.touched == nil {
		c.touched = map[*Fault]bool{}
	}
	c.touched[f] = true
	f.conns.Add(1)
}

func (c *conn) report(class string, ended bool) {
	k := c.link.key
	c.link.set.cfg.Watch(world.Conn{From: k.From, To: k.To, Port: k.Port, Class: class, Ended: ended})
}
