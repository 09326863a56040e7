package vnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"
)

// listener is a net.Listener. It is guarded by Net.mu.
type listener struct {
	net    *Net
	proc   *Process
	addr   netip.AddrPort
	queue  []*end        // connected, not accepted
	held   int           // of those, how many a pause has held
	from   time.Duration // the first of them can be accepted
	closed bool
	waiter waiter
}

// goOn lets connections be accepted that a pause has held, a nanosecond apart from an
// instant on, and returns the last of these instants.
func (l *listener) goOn(from time.Duration) (to time.Duration) {
	l.held, l.from = len(l.queue), from
	l.waiter.wakeAt(l.net, from)
	return from + time.Duration(l.held)
}

// Listen opens a listener on this host: ":port" or "ip:port", port 0 takes a free one.
func (p *Process) Listen(_ context.Context, network, addr string) (net.Listener, error) {
	proto, at, err := p.resolve(network, addr)
	if err == nil && proto != "tcp" {
		err = net.UnknownNetworkError(network)
	}
	if err != nil {
		return nil, failure("listen", network, netip.AddrPort{}, netip.AddrPort{}, err)
	}
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.dead {
		return nil, failure("listen", network, netip.AddrPort{}, at, net.ErrClosed)
	}
	if at, err = p.bind(at); err == nil && p.host.listeners[at.Port()] != nil {
		err = os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, failure("listen", network, netip.AddrPort{}, at, err)
	}
	l := &listener{net: n, proc: p, addr: at}
	p.host.listeners[at.Port()] = l
	p.change()
	return l, nil
}

// Accept returns the connection that waits longest.
func (l *listener) Accept() (net.Conn, error) {
	n := l.net
	n.mu.Lock()
	defer n.unlock()
	for {
		now := n.now()
		switch {
		case l.closed:
			return nil, failure("accept", "tcp", netip.AddrPort{}, l.addr, net.ErrClosed)
		case len(l.queue) == 0 || l.proc.paused != nil:
			l.waiter.wait(n, never)
			continue
		case l.held > 0 && now < l.from:
			l.waiter.wait(n, l.from)
			continue
		case l.held > 0:
			l.held--
			l.from = now + 1
		}
		e := l.queue[0]
		l.queue = append(l.queue[:0], l.queue[1:]...)
		return e, nil
	}
}

// Close stops listening. Connections that wait are reset.
func (l *listener) Close() error {
	n := l.net
	n.mu.Lock()
	defer n.unlock()
	if l.closed {
		return failure("close", "tcp", netip.AddrPort{}, l.addr, net.ErrClosed)
	}
	l.close(n.now())
	return nil
}

func (l *listener) close(now time.Duration) {
	l.closed = true
	delete(l.proc.host.listeners, l.addr.Port())
	for _, e := range l.queue {
		e.close(now, true)
	}
	l.queue = nil
	l.waiter.wake(l.net)
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }
