package vnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"deadair/harness/world"
)

// conn is one TCP connection: two ends and a way in to each. All of it is guarded by Net.mu.
type conn struct {
	id    uint64
	ends  [2]end // the dialer's, the acceptor's
	marks []*mark
	reset bool // a reset was sent
	over  bool // each end is closed, or has a reset under way to it
}

// end is one end of a connection, a net.Conn.
type end struct {
	net   *Net
	conn  *conn
	proc  *Process
	peer  *end
	local netip.AddrPort

	in     path    // what is on its way here
	err    error   // what the arrived reset means to callers
	told   [2]bool // … and whether the reader and the writer were told
	down   bool    // a reset has arrived
	shut   bool    // nothing more will be sent
	closed bool
	linger bool // SetLinger(0): a close is a reset

	readUntil, writeUntil time.Duration // deadlines
	reader, writer        waiter
}

const (
	reads  = 0
	writes = 1
)

// connect makes a connection between two processes. Callers hold n.mu.
func (n *Net) connect(client, server *Process, from, to netip.AddrPort, there, back time.Duration) *conn {
	n.lastConn++
	c := &conn{id: n.lastConn}
	c.ends[0].init(c, client, &c.ends[1], from, back)
	c.ends[1].init(c, server, &c.ends[0], to, there)
	n.conns[c.id] = c
	return c
}

func (e *end) init(c *conn, p *Process, peer *end, local netip.AddrPort, latency time.Duration) {
	e.net, e.conn, e.proc, e.peer, e.local = p.net, c, p, peer, local
	e.in.latency, e.in.fin, e.in.rst = latency, never, never
	e.readUntil, e.writeUntil = never, never
}

// Read reads what has arrived.
func (e *end) Read(b []byte) (int, error) {
	n, err := e.read(b)
	return n, e.wrap("read", err)
}

func (e *end) read(b []byte) (int, error) {
	n := e.net
	n.mu.Lock()
	defer n.unlock()
	for {
		now := n.now()
		e.settle(now)
		switch {
		case e.closed:
			return 0, net.ErrClosed
		case len(b) == 0:
			return 0, nil
		case e.readUntil <= now:
			return 0, os.ErrDeadlineExceeded
		case e.proc.paused != nil: // nothing gets through to it
			e.reader.wait(n, e.readUntil)
			continue
		}
		if k := e.in.pop(b, now); k > 0 {
			if e.in.room() >= window/4 {
				e.peer.writer.wake(n)
			}
			return k, nil
		}
		if e.in.ended(now) {
			return 0, io.EOF
		}
		if err := e.tell(reads, now); err != nil {
			return 0, err
		}
		if e.down {
			return 0, io.EOF
		}
		e.reader.wait(n, min(e.readUntil, e.in.next()))
	}
}

// Write returns when all of b is on its way, or waits in the window.
func (e *end) Write(b []byte) (int, error) {
	n, err := e.write(b)
	return n, e.wrap("write", err)
}

func (e *end) write(b []byte) (int, error) {
	n := e.net
	n.mu.Lock()
	defer n.unlock()
	for sent := 0; ; {
		now := n.now()
		e.settle(now)
		switch {
		case e.closed:
			return sent, net.ErrClosed
		case e.writeUntil <= now:
			return sent, os.ErrDeadlineExceeded
		}
		if err := e.tell(writes, now); err != nil {
			return sent, err
		}
		if e.down || e.shut {
			return sent, syscall.EPIPE
		}
		sent += e.peer.receive(b[sent:], now)
		if sent == len(b) {
			return sent, nil
		}
		// One nanosecond behind the reader, so that it is never left to chance which
		// of the two learns first of a reset or a deadline.
		e.writer.wait(n, addNano(min(e.writeUntil, e.in.rst)))
	}
}

// receive takes what the peer sends, as much as the window lets through.
func (e *end) receive(b []byte, now time.Duration) int {
	k := e.in.push(b, now)
	if e.closed {
		e.bounce(now)
	}
	e.reader.wakeAt(e.net, e.in.next())
	return k
}

// settle makes a reset that has arrived count.
func (e *end) settle(now time.Duration) {
	if e.down || e.in.rst > now {
		return
	}
	e.down = true
	e.err = syscall.ECONNRESET
	if e.in.fin <= e.in.rst {
		e.err = syscall.EPIPE // the stream had ended before: only a writer minds
	}
	e.in.drop(e.in.rst)
	e.conn.finish()
}

// tell returns the error of an arrived reset to the first who asks, as a kernel
// does: once. Only callers at the very instant of its arrival learn of it in both
// directions.
func (e *end) tell(who int, now time.Duration) error {
	if e.err == nil || e.told[who] || e.told[1-who] && now > addNano(e.in.rst) {
		return nil
	}
	e.told[who] = true
	return e.err
}

// Close ends both directions. With unread data, or after SetLinger(0), the peer
// gets a reset, otherwise the end of the stream.
func (e *end) Close() error {
	n := e.net
	n.mu.Lock()
	defer n.unlock()
	if e.closed {
		return e.wrap("close", net.ErrClosed)
	}
	e.close(n.now(), e.linger)
	return nil
}

func (e *end) close(now time.Duration, abort bool) {
	e.settle(now)
	e.closed = true
	unread, _ := e.in.arrived(now)
	switch {
	case e.down:
		e.in.drop(-1)
	case abort || unread > 0:
		e.in.drop(-1)
		e.peer.resetBy(now)
	default:
		e.shutdown(now)
		e.bounce(now)
	}
	e.reader.wake(e.net)
	e.writer.wake(e.net)
	e.reader.release(e.net)
	e.writer.release(e.net)
	e.conn.finish()
}

// shutdown sends the end of the stream, once.
func (e *end) shutdown(now time.Duration) {
	if e.shut {
		return
	}
	e.shut = true
	e.peer.in.end(now)
	e.peer.reader.wakeAt(e.net, e.peer.in.next())
}

// bounce answers data that gets to a closed end with a reset. Data that is withheld
// does not get there yet.
func (e *end) bounce(now time.Duration) {
	if e.in.head == len(e.in.segs) || e.in.segs[e.in.head].at == never {
		return
	}
	at := max(now, e.in.segs[e.in.head].at)
	e.in.drop(-1)
	e.peer.resetBy(at)
}

// resetBy sends a reset to this end at an instant.
func (e *end) resetBy(at time.Duration) {
	e.conn.reset = true
	e.in.reset(at)
	e.reader.wakeAt(e.net, e.in.rst)
	e.writer.wakeAt(e.net, addNano(e.in.rst))
	e.conn.finish() // here, so that who closes and who writes first at one instant ends it alike
}

// cut resets both ends now; what was under way is lost. It returns how much that was.
func (c *conn) cut(now time.Duration) (lost int) {
	c.reset = true
	for i := range c.ends {
		e := &c.ends[i]
		lost += e.in.drop(now)
		if !e.closed && !e.down {
			e.in.rst, e.in.rstHeld = now, false
			e.settle(now)
			e.reader.wake(e.net)
			e.writer.wake(e.net)
		}
	}
	c.finish()
	return lost
}

// finish takes note when both ends are through with the connection, and forgets
// it when both are closed.
func (c *conn) finish() {
	n := c.ends[0].net
	if c.ends[0].closed && c.ends[1].closed {
		delete(n.conns, c.id)
	}
	for i := range c.ends {
		if e := &c.ends[i]; !e.closed && e.in.rst == never {
			return
		}
	}
	if c.over {
		return
	}
	c.over = true
	for _, m := range c.marks {
		delete(m.fault.marks, c.id)
	}
	class := "eof"
	if c.reset {
		class = "reset"
	}
	n.tell(world.Conn{From: c.ends[0].proc.host.name, To: c.ends[1].proc.host.name, Port: int(c.ends[1].local.Port()), Class: class, Ended: true})
}

// addNano is a nanosecond later.
func addNano(at time.Duration) time.Duration {
	if at == never {
		return never
	}
	return at + 1
}
