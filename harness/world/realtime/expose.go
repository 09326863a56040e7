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
// ends with ctx.
func (w *World) Expose(ctx context.Context, from, to string, port int) (netip.AddrPort, error) {
	bind := w.host(to).Bind
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
	context.AfterFunc(ctx, func() { l.Close() })
	w.wg.Go(func() { forward(ctx, l, inner.String()) })
	return netip.ParseAddrPort(l.Addr().String())
}

// Reach is the real address of a datagram port that an actor of the harness listens on.
func (w *World) Reach(host string, port int) netip.AddrPort {
	return w.reach(netip.AddrPortFrom(w.Addr(host), uint16(port)))
}

// forward passes connections on until its listener is closed.
func forward(ctx context.Context, l net.Listener, to string) {
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
