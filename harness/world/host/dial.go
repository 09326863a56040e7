package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"deadair/harness/world/sock"
)

func (h *Host) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if !knows("tcp", network) && !knows("udp", network) {
		return nil, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	dst, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s %s: names are not resolved here: %w", network, addr, err)
	}
	if knows("udp", network) {
		return h.dialPacket(ctx, network, dst)
	}
	to := net.TCPAddrFromAddrPort(dst)
	real, err := h.cfg.Net.Find("tcp", dst)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: to, Err: err}
	}
	d := net.Dialer{
		LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(h.cfg.Bind, 0)),
		KeepAlive: -1, // its only answer would be the link's, which always lives
		Control:   sock.Share,
	}
	c, err := d.DialContext(ctx, network, real.String())
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			h.cfg.Net.Refused(dst)
		}
		return nil, readdress(err, network, to)
	}
	h.cfg.Net.Dialed(ctx, "tcp", dst, c.LocalAddr())
	return named(c, c.LocalAddr(), to), nil
}

// readdress names the logical destination in the error of a dial.
func readdress(err error, network string, to net.Addr) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	return &net.OpError{Op: op.Op, Net: network, Addr: to, Err: op.Err}
}

// dialPacket connects a datagram socket straight to the real one, from the host's
// own address. It succeeds also when nobody is there, as everywhere.
func (h *Host) dialPacket(ctx context.Context, network string, dst netip.AddrPort) (net.Conn, error) {
	to := net.UDPAddrFromAddrPort(dst)
	real, err := h.cfg.Net.Find("udp", dst)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: to, Err: err}
	}
	d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(netip.AddrPortFrom(h.cfg.Bind, 0))}
	c, err := d.DialContext(ctx, network, real.String())
	if err != nil {
		return nil, readdress(err, network, to)
	}
	h.cfg.Net.Dialed(ctx, "udp", dst, c.LocalAddr())
	if udp, ok := c.(*net.UDPConn); ok {
		return &question{udp, to}, nil
	}
	return c, nil
}

// question is a dialled datagram socket that knows the logical address of where it leads.
type question struct {
	*net.UDPConn
	remote net.Addr
}

func (q *question) RemoteAddr() net.Addr { return q.remote }
