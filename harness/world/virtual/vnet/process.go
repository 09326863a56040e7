package vnet

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Process is the sockets of one process on a host. They end together, as a
// kernel ends them with the process, and they can be frozen together.
type Process struct {
	net  *Net
	host *host
	// Guarded by net.mu:
	dead    bool
	paused  *Fault        // what withholds all it sends; nil if it is not paused
	changed chan struct{} // closed, and replaced, when it listens, resumes or dies
	gone    chan struct{} // closed when it dies
}

// Kill ends the process: its listeners and sockets close, its connections are
// reset, and all it tries from now on fails with net.ErrClosed.
func (p *Process) Kill() {
	n := p.net
	n.mu.Lock()
	defer n.unlock()
	if p.dead {
		return
	}
	now := n.now()
	p.forget(now)
	p.dead = true
	for _, port := range slices.Sorted(maps.Keys(p.host.listeners)) {
		if l := p.host.listeners[port]; l.proc == p {
			l.close(now)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(p.host.packets)) {
		if c := p.host.packets[port]; c.proc == p {
			c.close()
		}
	}
	for _, c := range n.sorted() {
		for i := range c.ends {
			if e := &c.ends[i]; e.proc == p && !e.closed {
				e.close(now, true)
			}
		}
	}
	close(p.gone)
	p.change()
}

// forget ends a pause and loses what it withheld: a dead process sends nothing.
func (p *Process) forget(now time.Duration) {
	if p.paused == nil {
		return
	}
	for _, c := range p.net.sorted() {
		for i := range c.ends {
			if e := &c.ends[i]; e.proc == p {
				e.peer.in.drop(now)
			}
		}
	}
	p.resume()
}

// Pause freezes the process as far as others can see: nothing that it sends
// leaves, nothing gets through to it. Its kernel lives on: it takes data up to
// the window and connections up to the backlog. Timers of the process go on.
func (p *Process) Pause() {
	n := p.net
	n.mu.Lock()
	defer n.unlock()
	if p.dead || p.paused != nil {
		return
	}
	p.paused = newFault(n, kindStall)
	for _, c := range n.sorted() {
		if !c.over {
			p.withhold(c)
		}
	}
}

// withhold lays the pause on what the process sends over a connection.
func (p *Process) withhold(c *conn) {
	for i := range c.ends {
		if e := &c.ends[i]; e.proc == p {
			p.paused.lay(c, &e.peer.in)
		}
	}
}

// Resume lets a paused process go on: what was withheld is on its way. What waited in
// its kernel gets through to it a nanosecond apart, so that it stays in order.
func (p *Process) Resume() {
	p.net.mu.Lock()
	defer p.net.unlock()
	p.resume()
}

func (p *Process) resume() {
	if p.paused == nil {
		return
	}
	f := p.paused
	p.paused = nil
	f.lift()
	n, at := p.net, p.net.now()
	for _, c := range n.sorted() {
		for i := range c.ends {
			if e := &c.ends[i]; e.proc == p {
				at++
				e.reader.wakeAt(n, at)
			}
		}
	}
	for _, port := range slices.Sorted(maps.Keys(p.host.listeners)) {
		at = p.host.listeners[port].goOn(at + 1)
	}
	for _, port := range slices.Sorted(maps.Keys(p.host.packets)) {
		at++
		p.host.packets[port].reader.wakeAt(n, at)
	}
	p.change()
}

// change wakes who waits for the process to be otherwise.
func (p *Process) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// AwaitPorts returns when the process listens on all ports, for connections or datagrams.
func (p *Process) AwaitPorts(ctx context.Context, ports []int) error {
	return p.await(ctx, func() bool {
		for _, port := range ports {
			l, c := p.host.listeners[uint16(port)], p.host.packets[uint16(port)]
			if (l == nil || l.proc != p) && (c == nil || c.proc != p) {
				return false
			}
		}
		return true
	})
}

// await returns when something is so, the process is dead, or ctx is done.
func (p *Process) await(ctx context.Context, so func() bool) error {
	for {
		p.net.mu.Lock()
		ok, dead, changed := so(), p.dead, p.changed
		p.net.mu.Unlock()
		switch {
		case dead:
			return net.ErrClosed
		case ok:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// resolve reads "ip:port". An empty, unspecified or loopback ip is this host's.
func (p *Process) resolve(network, addr string) (proto string, at netip.AddrPort, err error) {
	switch network {
	case "tcp", "tcp4":
		proto = "tcp"
	case "udp", "udp4":
		proto = "udp"
	default:
		return network, at, net.UnknownNetworkError(network)
	}
	if strings.HasPrefix(addr, ":") {
		addr = p.host.addr.String() + addr
	}
	at, err = netip.ParseAddrPort(addr)
	if err != nil {
		return proto, at, &net.AddrError{Err: "want ip:port", Addr: addr}
	}
	if at.Addr().IsUnspecified() || at.Addr().IsLoopback() {
		at = netip.AddrPortFrom(p.host.addr, at.Port())
	}
	return proto, at, nil
}

// bind is resolve for an own address; port 0 takes the next free one. Callers hold n.mu.
func (p *Process) bind(at netip.AddrPort) (netip.AddrPort, error) {
	if at.Addr() != p.host.addr {
		return at, fmt.Errorf("address %s is not of host %s (%s)", at.Addr(), p.host.name, p.host.addr)
	}
	if at.Port() == 0 {
		at = netip.AddrPortFrom(at.Addr(), p.host.ephemeral())
	}
	return at, nil
}
