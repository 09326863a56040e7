package vnet

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"
)

// packetConn is a datagram socket, a net.PacketConn. It is guarded by Net.mu.
type packetConn struct {
	net    *Net
	proc   *Process
	addr   netip.AddrPort
	client bool           // it has an ephemeral port: what it exchanges is on links from its host
	to     netip.AddrPort // the only peer of a dialled socket
	nth    int            // which of its flow a dialled socket is

	queue     []datagram // by arrival
	closed    bool
	refusedAt time.Duration // when word arrives that nobody listens at to; never if not
	readUntil time.Duration
	reader    waiter
}

type datagram struct {
	data []byte
	from netip.AddrPort
	at   time.Duration // of arrival
}

// ListenPacket opens a datagram socket on this host: ":port" or "ip:port", port 0 takes a free one.
func (p *Process) ListenPacket(_ context.Context, network, addr string) (net.PacketConn, error) {
	proto, at, err := p.resolve(network, addr)
	if err == nil && proto != "udp" {
		err = net.UnknownNetworkError(network)
	}
	if err != nil {
		return nil, failure("listen", network, netip.AddrPort{}, netip.AddrPort{}, err)
	}
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	c, err := p.openPacket(at)
	if err != nil {
		return nil, failure("listen", "udp", netip.AddrPort{}, at, err)
	}
	return c, nil
}

func (p *Process) openPacket(at netip.AddrPort) (*packetConn, error) {
	if p.dead {
		return nil, net.ErrClosed
	}
	client := at.Port() == 0
	at, err := p.bind(at)
	if err != nil {
		return nil, err
	}
	if p.host.packets[at.Port()] != nil {
		return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
	}
	c := &packetConn{net: p.net, proc: p, addr: at, client: client, refusedAt: never, readUntil: never}
	p.host.packets[at.Port()] = c
	p.change()
	return c, nil
}

// ReadFrom returns the next datagram. What does not fit into b is lost.
func (c *packetConn) ReadFrom(b []byte) (int, net.Addr, error) {
	d, err := c.next()
	if err != nil {
		return 0, nil, failure("read", "udp", c.addr, c.to, err)
	}
	return copy(b, d.data), net.UDPAddrFromAddrPort(d.from), nil
}

func (c *packetConn) next() (datagram, error) {
	n := c.net
	n.mu.Lock()
	defer n.unlock()
	for {
		now := n.now()
		switch {
		case c.closed:
			return datagram{}, net.ErrClosed
		case c.readUntil <= now:
			return datagram{}, os.ErrDeadlineExceeded
		case c.proc.paused != nil:
			c.reader.wait(n, c.readUntil)
			continue
		case c.refusedAt <= now:
			c.refusedAt = never
			return datagram{}, os.NewSyscallError("read", syscall.ECONNREFUSED)
		}
		until := min(c.readUntil, c.refusedAt)
		if len(c.queue) > 0 {
			d := c.queue[0]
			if d.at <= now {
				c.queue = append(c.queue[:0], c.queue[1:]...)
				return d, nil
			}
			until = min(until, d.at)
		}
		c.reader.wait(n, until)
	}
}

// WriteTo sends a datagram. Nobody tells when it is lost on its way.
func (c *packetConn) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, failure("write", "udp", c.addr, netip.AddrPort{}, syscall.EINVAL)
	}
	at := udp.AddrPort()
	return c.send(b, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
}

func (c *packetConn) send(b []byte, to netip.AddrPort) (int, error) {
	n := c.net
	n.mu.Lock()
	defer n.unlock()
	now := n.now()
	switch {
	case c.closed:
		return 0, failure("write", "udp", c.addr, to, net.ErrClosed)
	case c.refusedAt <= now:
		c.refusedAt = never
		return 0, failure("write", "udp", c.addr, to, os.NewSyscallError("write", syscall.ECONNREFUSED))
	}
	server := n.byAddr[to.Addr()]
	if server == nil || c.proc.paused != nil {
		return len(b), nil
	}
	r := c.route(server, to, len(b))
	switch {
	case r.lost:
	case r.target == nil && c.to.IsValid():
		c.refusedAt = min(c.refusedAt, now+r.there+r.back)
		c.reader.wakeAt(n, c.refusedAt)
	case r.target != nil:
		r.target.receive(datagram{slices.Clone(b), c.addr, now + r.there})
	}
	return len(b), nil
}

// receive queues a datagram by its arrival.
func (c *packetConn) receive(d datagram) {
	if len(c.queue) >= maxPackets || c.to.IsValid() && c.to != d.from {
		return
	}
	i := len(c.queue)
	for i > 0 && c.queue[i-1].at > d.at {
		i--
	}
	c.queue = slices.Insert(c.queue, i, d)
	c.reader.wakeAt(c.net, c.queue[0].at)
}

// route is what a datagram meets on its way.
type route struct {
	target      *packetConn // nil if nobody listens
	there, back time.Duration
	lost        bool
}

// route finds a datagram's way and counts it at the faults it meets. It is on the
// link of the client among the two sockets: who has an ephemeral port, or else who sends.
func (c *packetConn) route(peer *host, to netip.AddrPort, size int) route {
	n, own := c.net, c.proc.host
	r := route{target: peer.packets[to.Port()]}
	client, socket, server, forth := own, c, peer, true
	if r.target != nil && r.target.client && !c.client {
		client, socket, server, forth = peer, r.target, own, false
	}
	if own != peer {
		nth := socket.nth
		if nth == 0 {
			nth = int(socket.addr.Port())
		}
		late := skew(c.addr.Addr().String(), to.Addr().String(), nth)
		r.there, r.back = n.latency(own, peer)+late, n.latency(peer, own)+late
	}
	for _, f := range n.faults {
		if f.joins(client, server) && (f.Direction == "both" || f.Direction == "forth" == forth) {
			f.meet(&r, socket, size)
		}
	}
	return r
}

// meet is what a fault does to a datagram. One that would be withheld is lost:
// nobody keeps datagrams for long. A throttle lets them through.
func (f *Fault) meet(r *route, socket *packetConn, size int) {
	switch f.Kind {
	case kindRefuse:
		r.target = nil
	case kindStall, kindBlackhole:
		r.lost = true
	case kindDelay:
		r.there += f.Delay
	default:
		return
	}
	f.touched.Bytes += int64(size)
	if _, ok := f.sockets[socket]; !ok {
		f.sockets[socket] = struct{}{}
		f.touched.Conns++
	}
}

func (c *packetConn) Close() error {
	n := c.net
	n.mu.Lock()
	defer n.unlock()
	if c.closed {
		return failure("close", "udp", c.addr, netip.AddrPort{}, net.ErrClosed)
	}
	c.close()
	return nil
}

func (c *packetConn) close() {
	c.closed = true
	c.queue = nil
	delete(c.proc.host.packets, c.addr.Port())
	for _, f := range c.net.faults {
		delete(f.sockets, c)
	}
	c.reader.wake(c.net)
	c.reader.release(c.net)
}

func (c *packetConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(c.addr) }

func (c *packetConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

func (c *packetConn) SetReadDeadline(t time.Time) error {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	c.readUntil = c.net.instant(t)
	c.reader.wakeAt(c.net, c.readUntil)
	return nil
}

// SetWriteDeadline does nothing: writing never blocks.
func (c *packetConn) SetWriteDeadline(time.Time) error { return nil }

// dialledPacket is a datagram socket with one peer, a net.Conn.
type dialledPacket struct{ *packetConn }

func (p *Process) dialPacket(to netip.AddrPort) (net.Conn, error) {
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	c, err := p.openPacket(netip.AddrPortFrom(p.host.addr, 0))
	if err != nil {
		return nil, failure("dial", "udp", netip.AddrPort{}, to, err)
	}
	f := flow{"udp " + p.host.name, to}
	n.flows[f]++
	c.to, c.nth = to, n.flows[f]
	return dialledPacket{c}, nil
}

func (c dialledPacket) Read(b []byte) (int, error) {
	n, _, err := c.ReadFrom(b)
	return n, err
}

func (c dialledPacket) Write(b []byte) (int, error) { return c.send(b, c.to) }
func (c dialledPacket) RemoteAddr() net.Addr        { return net.UDPAddrFromAddrPort(c.to) }
