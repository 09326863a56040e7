package realtime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"deadair/harness/world/link"
)

// exposeDial is how long a connection from outside waits for its link.
const exposeDial = 5 * time.Second

// Expose lets programs outside of the harness reach a node's port at the node's
// own address, as if they stood on the host from: through that host's link, so
// that faults hit them too. Where the system has no such addresses, or the port is
// in use, the port is another one; the address it is reached at is returned. It
// ends with ctx, and with the world.
func (w *World) Expose(ctx context.Context, from, to string, port int) (netip.AddrPort, error) {
	return w.ExposeAt(ctx, w.host(to).Bind, from, to, port)
}

// ExposeAt is Expose at an address of this machine.
func (w *World) ExposeAt(ctx context.Context, bind netip.Addr, from, to string, port int) (netip.AddrPort, error) {
	inner, err := w.links.Address(link.Key{From: from, To: to, Port: port})
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("expose %s: %w", to, err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", netip.AddrPortFrom(bind, uint16(port)).String())
	if err != nil {
		l, err = lc.Listen(ctx, "tcp", netip.AddrPortFrom(bind, 0).String())
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("expose %s: %w", to, err)
	}
	ctx, stop := context.WithCancel(ctx)
	ends := context.AfterFunc(w.ctx, stop)
	w.wg.Go(func() {
		defer stop()
		defer ends()
		Forward(ctx, l, inner.String())
	})
	return netip.ParseAddrPort(l.Addr().String())
}

// Door is where programs outside of the harness ask its DNS.
type Door struct {
	In       string // the datacenter that who asks there is taken to be in; "": where the machine is
	UDP, TCP netip.AddrPort
}

// Doors are where programs outside ask the DNS that an actor of the harness listens for.
func (w *World) Doors(ctx context.Context, from, dns string, port int) ([]Door, error) {
	tcp, err := w.Expose(ctx, from, dns, port)
	if err != nil {
		return nil, err
	}
	return []Door{{UDP: w.Reach(dns, port), TCP: tcp}}, nil
}

// Reach is the real address of a datagram port that an actor of the harness listens on.
func (w *World) Reach(host string, port int) netip.AddrPort {
	return w.reach(netip.AddrPortFrom(w.Addr(host), uint16(port)))
}

// Forward passes connections on to an address until ctx ends, which closes the listener.
func Forward(ctx context.Context, l net.Listener, to string) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		all.Go(func() {
			defer c.Close()
			d := net.Dialer{Timeout: exposeDial}
			up, err := d.DialContext(ctx, "tcp", to)
			if err != nil {
				return
			}
			defer up.Close()
			defer context.AfterFunc(ctx, func() { c.Close(); up.Close() })()
			var both sync.WaitGroup
			both.Go(func() { pass(up, c) })
			both.Go(func() { pass(c, up) })
			both.Wait()
		})
	}
}

// pass copies one direction and hands on how it ended.
func pass(dst, src net.Conn) {
	_, err := io.Copy(dst, src)
	if half, ok := dst.(interface{ CloseWrite() error }); ok && (err == nil || errors.Is(err, io.EOF)) {
		half.CloseWrite()
		return
	}
	dst.Close()
	src.Close()
}
