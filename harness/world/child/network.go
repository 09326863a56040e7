package child

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// network is the world as a child sees it: the destinations it was given, and the harness to report to.
type network struct {
	spec Spec
	out  *outbox
}

// Find looks a destination up among those that the node may dial. Datagrams have
// no links: one to a stranger goes to where it says, for it may be an answer.
func (n *network) Find(network string, dst netip.AddrPort) (netip.AddrPort, error) {
	if network == "udp" {
		if real, ok := n.spec.UDP[dst.String()]; ok {
			return netip.ParseAddrPort(real)
		}
		if n.spec.Addr != n.spec.Bind { // mapped: one address for all
			return netip.AddrPortFrom(n.spec.Bind, dst.Port()), nil
		}
		return dst, nil
	}
	real, ok := n.spec.TCP[dst.String()]
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("no link from %s to %s: name it in the node's Dials", n.spec.Node, dst)
	}
	return netip.ParseAddrPort(real)
}

func (n *network) Opened(network string, port int, real netip.AddrPort) error {
	n.out.add(Message{Do: Listening, Network: network, Port: port, Addr: real.String()})
	return nil
}

func (n *network) Closed(network string, port int) {
	n.out.add(Message{Do: Closed, Network: network, Port: port})
}

func (n *network) Dialed(context.Context, string, netip.AddrPort, net.Addr) {}

func (n *network) Refused(dst netip.AddrPort) {
	n.out.offer(Message{Do: Refused, Addr: dst.String()})
}

func (n *network) Owner(real netip.AddrPort) netip.AddrPort { return real }

// clock adds the world's time to each line of a log, once it is set.
type clock struct {
	slog.Handler
	zero *atomic.Int64 // Unix nanoseconds
}

func (c *clock) Handle(ctx context.Context, r slog.Record) error {
	if zero := c.zero.Load(); zero != 0 {
		r.AddAttrs(slog.String("t", r.Time.Sub(time.Unix(0, zero)).Round(time.Millisecond).String()))
	}
	return c.Handler.Handle(ctx, r)
}

func (c *clock) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &clock{c.Handler.WithAttrs(attrs), c.zero}
}

func (c *clock) WithGroup(name string) slog.Handler {
	return &clock{c.Handler.WithGroup(name), c.zero}
}
