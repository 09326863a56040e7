package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// acceptPause is how long a link waits after an error of Accept that is not its own end (no descriptors left).
const acceptPause = 10 * time.Millisecond

// link is one pair's listener. All fields are guarded by Set.mu.
type link struct {
	set    *Set
	key    Key
	addr   netip.AddrPort
	ln     net.Listener  // nil while closed
	over   chan struct{} // closed when ln has ended
	conns  map[*conn]struct{}
	claims map[string]chan struct{} // by the dialler's address, closed when its connection is in
}

// shape opens or closes the listener as the target and the faults want it.
func (l *link) shape() error {
	if !l.wanted() {
		l.close()
		return nil
	}
	if l.ln != nil {
		return nil
	}
	// Neither listening nor closing ever waits, so the lock may be held.
	lc := net.ListenConfig{KeepAlive: -1} // who dials it is on this machine
	ln, err := lc.Listen(context.Background(), "tcp", l.addr.String())
	if err != nil {
		return fmt.Errorf("open link %s to %s:%d: %w", l.key.From, l.key.To, l.key.Port, err)
	}
	l.ln, l.over = ln, make(chan struct{})
	over := l.over
	l.set.wg.Go(func() {
		defer close(over)
		l.accept(ln)
	})
	return nil
}

// wanted tells whether a dial shall be accepted: by the target, or by a fault
// that leaves the dialler in the dark.
func (l *link) wanted() bool {
	_, up := l.set.targets[target{l.key.To, l.key.Port}]
	for _, f := range l.set.faults {
		if !f.covers(l.key) {
			continue
		}
		if f.spec.Kind == refuse {
			return false
		}
		up = up || f.holds()
	}
	return up
}

func (l *link) close() {
	if l.ln != nil {
		l.ln.Close()
		l.ln = nil
	}
}

func (l *link) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			l.set.cfg.Log.Warn("accept on link", "from", l.key.From, "to", l.key.To, "error", err)
			select {
			case <-time.After(acceptPause):
			case <-l.set.ctx.Done():
			}
			continue
		}
		l.admit(c)
	}
}

// admit takes a new connection in and lets it run.
func (l *link) admit(nc net.Conn) {
	client, err := newSocket(nc)
	if err != nil {
		nc.Close()
		return
	}
	l.set.mu.Lock()
	defer l.set.mu.Unlock()
	if l.set.closed {
		client.reset()
		return
	}
	c := newConn(l, client)
	c.dying = l.set.dying[l.key.From] || l.set.dying[l.key.To]
	for _, f := range l.set.faults {
		if f.covers(l.key) && f.spec.Conns != existing {
			c.attach(f, true) //nolint:errcheck // it has no chain of toxics yet that could refuse one
		}
	}
	l.conns[c] = struct{}{}
	name := nc.RemoteAddr().String()
	settle(l.claim(name))
	l.set.wg.Go(func() {
		c.serve()
		l.set.mu.Lock()
		defer l.set.mu.Unlock()
		delete(l.conns, c)
		delete(l.claims, name)
	})
}

// settle closes a claim. One that a dialler never came back for may be closed already.
func settle(claim chan struct{}) {
	select {
	case <-claim:
	default:
		close(claim)
	}
}

// claim is the channel that is closed when the connection from an address is in.
func (l *link) claim(name string) chan struct{} {
	ch := l.claims[name]
	if ch == nil {
		ch = make(chan struct{})
		l.claims[name] = ch
	}
	return ch
}
