package host

import (
	"context"
	"net"
	"net/netip"
)

func (h *Host) listenPacket(ctx context.Context, network, addr string) (net.PacketConn, error) {
	p, err := h.local("udp", network, addr)
	if err != nil {
		return nil, listenError(network, addr, err)
	}
	c, err := h.system.ListenPacket(ctx, "udp4", netip.AddrPortFrom(h.cfg.Bind, 0).String())
	if err != nil {
		return nil, err
	}
	s := &packets{PacketConn: c, net: h.cfg.Net}
	if err := h.open(p, s); err != nil {
		return nil, listenError(network, addr, err)
	}
	return s, nil
}

// packets is a datagram socket that shows logical addresses only, as far as the Network knows them.
type packets struct {
	net.PacketConn
	net    Network
	addr   net.Addr
	closed func()
}

func (p *packets) real() net.Addr { return p.PacketConn.LocalAddr() }

func (p *packets) known(as netip.AddrPort, closed func()) {
	p.addr, p.closed = net.UDPAddrFromAddrPort(as), closed
}

func (p *packets) LocalAddr() net.Addr { return p.addr }

func (p *packets) Close() error {
	err := p.PacketConn.Close()
	p.closed()
	return err
}

func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.PacketConn.ReadFrom(b)
	if err != nil {
		return n, from, err
	}
	if real, notOurs := netip.ParseAddrPort(from.String()); notOurs == nil {
		from = net.UDPAddrFromAddrPort(p.net.Owner(real))
	}
	return n, from, nil
}

// WriteTo sends to a logical address. One that nobody listens at swallows the datagram.
func (p *packets) WriteTo(b []byte, to net.Addr) (int, error) {
	dst, err := netip.ParseAddrPort(to.String())
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: "udp", Source: p.addr, Addr: to, Err: err}
	}
	real, err := p.net.Find("udp", dst)
	if err != nil {
		return 0, &net.OpError{Op: "write", Net: "udp", Source: p.addr, Addr: to, Err: err}
	}
	return p.PacketConn.WriteTo(b, net.UDPAddrFromAddrPort(real))
}
