package realtime

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"deadair/harness/world/link"
)

// actor is the world as a host of the harness itself sees it.
type actor struct {
	w    *World
	name string
	addr netip.Addr
}

// key names the link from a host to a logical destination.
func (w *World) key(from string, dst netip.AddrPort) (link.Key, error) {
	to := w.HostAt(dst.Addr())
	if to == "" {
		return link.Key{}, fmt.Errorf("no host has the address %s", dst.Addr())
	}
	return link.Key{From: from, To: to, Port: int(dst.Port())}, nil
}

// Find maps a destination to its link, or to the datagram socket behind it.
func (a *actor) Find(network string, dst netip.AddrPort) (netip.AddrPort, error) {
	if network == "udp" {
		return a.w.reach(dst), nil
	}
	k, err := a.w.key(a.name, dst)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return a.w.links.Address(k)
}

func (a *actor) Opened(network string, port int, real netip.AddrPort) error {
	if network == "udp" {
		a.w.datagram.add(netip.AddrPortFrom(a.addr, uint16(port)), real)
		return nil
	}
	return a.w.links.Up(a.name, port, real.String())
}

func (a *actor) Closed(network string, port int) {
	if network == "udp" {
		a.w.datagram.remove(netip.AddrPortFrom(a.addr, uint16(port)))
		return
	}
	a.w.down(a.name, port)
}

// Dialed waits until the link has the connection, so that a fault that comes next finds it existing.
func (a *actor) Dialed(ctx context.Context, network string, dst netip.AddrPort, local net.Addr) {
	if network == "udp" {
		if real, err := netip.ParseAddrPort(local.String()); err == nil {
			a.w.datagram.own(netip.AddrPortFrom(a.addr, real.Port()), real)
		}
		return
	}
	if k, err := a.w.key(a.name, dst); err == nil {
		a.w.links.Admitted(ctx, k, local)
	}
}

func (a *actor) Refused(dst netip.AddrPort) {
	if k, err := a.w.key(a.name, dst); err == nil {
		a.w.links.Refused(k)
	}
}

func (a *actor) Owner(real netip.AddrPort) netip.AddrPort { return a.w.datagram.owner(real) }

// down closes the links to a port.
func (w *World) down(name string, port int) {
	if err := w.links.Down(name, port); err != nil {
		w.cfg.Log.Error("close links", "to", name, "port", port, "error", err)
	}
}

// reach is where a logical address of datagrams really is. Where nobody listens
// it is a socket that nobody has.
func (w *World) reach(dst netip.AddrPort) netip.AddrPort {
	if real, ok := w.datagram.find(dst); ok {
		return real
	}
	bind := dst.Addr()
	if h, ok := w.hosts[w.HostAt(bind)]; ok {
		bind = h.Bind
	}
	return netip.AddrPortFrom(bind, dst.Port())
}

// datagrams is who has which datagram socket.
type datagrams struct {
	mu     sync.Mutex
	real   map[netip.AddrPort]netip.AddrPort // by logical address: those that listen
	owners map[netip.AddrPort]netip.AddrPort // by real address: those that listen or dialled
}

func newDatagrams() *datagrams {
	return &datagrams{real: map[netip.AddrPort]netip.AddrPort{}, owners: map[netip.AddrPort]netip.AddrPort{}}
}

// add notes a socket that listens.
func (d *datagrams) add(logical, real netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.real[logical], d.owners[real] = real, logical
}

// own notes a socket that only asks. There are no more of them than ports.
func (d *datagrams) own(logical, real netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owners[real] = logical
}

func (d *datagrams) remove(logical netip.AddrPort) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.owners, d.real[logical])
	delete(d.real, logical)
}

func (d *datagrams) find(logical netip.AddrPort) (netip.AddrPort, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	real, ok := d.real[logical]
	return real, ok
}

func (d *datagrams) owner(real netip.AddrPort) netip.AddrPort {
	d.mu.Lock()
	defer d.mu.Unlock()
	if logical, ok := d.owners[real]; ok {
		return logical
	}
	return real
}
