// Package host gives one host of a run in real time its env.Env: real sockets behind
// logical addresses.
//
// Servers speak of logical addresses only. What a server listens on is bound to
// a port of the system's choice and made known to the Network; what it dials is
// sent to where the Network says. So nobody reaches a port past its links. The
// package owns no links and no processes; it serves the harness' own actors and
// the nodes' processes alike.
package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"deadair/balancer/env"
)

// Network is what a host asks of the world around it.
type Network interface {
	// Find tells where a logical destination is reached from this host over tcp or udp.
	Find(network string, dst netip.AddrPort) (netip.AddrPort, error)
	// Opened makes known that the host listens on a logical port, at a real address.
	Opened(network string, port int, real netip.AddrPort) error
	// Closed makes known that it does so no more.
	Closed(network string, port int)
	// Dialed tells of a connection made, from a real local address; the dialler gets it when Dialed returns.
	Dialed(ctx context.Context, network string, dst netip.AddrPort, local net.Addr)
	// Refused tells of a dial that was refused.
	Refused(dst netip.AddrPort)
	// Owner is the logical address behind the real one of a datagram socket, or the same.
	Owner(real netip.AddrPort) netip.AddrPort
}

// Config is what a host is made of. All fields but Conf must be set.
type Config struct {
	Name string
	Addr netip.Addr // logical
	Bind netip.Addr // where its sockets really are; differs from Addr when addresses are mapped
	Dir  string     // its disk
	Seed uint64     // of the run
	Conf json.RawMessage
	Log  *slog.Logger
	Net  Network
}

// Host is one process' view of the host it runs on.
type Host struct {
	cfg    Config
	system env.Env // the machine's own

	mu    sync.Mutex
	taken map[port]io.Closer // who listens
}

// New makes a host. It opens nothing.
func New(cfg Config) *Host {
	return &Host{cfg: cfg, system: env.System(cfg.Name, cfg.Dir, cfg.Log), taken: map[port]io.Closer{}}
}

// Env is what a server on the host is given.
func (h *Host) Env() env.Env {
	e := h.system
	e.Listen = h.listen
	e.ListenPacket = h.listenPacket
	e.DialContext = h.dial
	e.Rand = h.rand
	e.Phase = h.phase
	e.Config = h.cfg.Conf
	return e
}

// Close closes all that listens on the host. Connections are left to their links.
func (h *Host) Close() {
	h.mu.Lock()
	var open []io.Closer
	for _, c := range h.taken {
		open = append(open, c)
	}
	h.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

type port struct {
	network string // tcp or udp
	number  int
}

// local reads an address to listen on: ":port" or "ip:port" with the host's own ip.
func (h *Host) local(kind, network, addr string) (port, error) {
	if !knows(kind, network) {
		return port{}, net.UnknownNetworkError(network)
	}
	name, number, err := net.SplitHostPort(addr)
	if err != nil {
		return port{}, err
	}
	n, err := net.LookupPort(network, number)
	if err != nil || name == "" {
		return port{kind, n}, err
	}
	ip, err := netip.ParseAddr(name)
	if err == nil && ip != h.cfg.Addr && !ip.IsUnspecified() {
		err = syscall.EADDRNOTAVAIL
	}
	return port{kind, n}, err
}

// knows tells whether a network is tcp, or udp, over IPv4.
func knows(kind, network string) bool { return network == kind || network == kind+"4" }

// take claims a logical port for a socket.
func (h *Host) take(p port, c io.Closer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.taken[p] != nil {
		return syscall.EADDRINUSE
	}
	h.taken[p] = c
	return nil
}

func (h *Host) give(p port) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.taken, p)
}

// socket is what listens: a listener or a datagram socket.
type socket interface {
	io.Closer
	real() net.Addr
	known(as netip.AddrPort, closed func())
}

// open makes a socket known under its logical port, or closes it. Port 0 stands
// for the real one, which is free for sure.
func (h *Host) open(p port, s socket) error {
	real, err := netip.ParseAddrPort(s.real().String())
	if err != nil {
		return err
	}
	if p.number == 0 {
		p.number = int(real.Port())
	}
	as := netip.AddrPortFrom(h.cfg.Addr, uint16(p.number))
	s.known(as, sync.OnceFunc(func() {
		h.cfg.Net.Closed(p.network, p.number)
		h.give(p)
	}))
	if err := h.take(p, s); err != nil {
		s.known(as, func() {}) // the port is another socket's
		return errors.Join(err, s.Close())
	}
	if err := h.cfg.Net.Opened(p.network, p.number, real); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

func (h *Host) listen(ctx context.Context, network, addr string) (net.Listener, error) {
	p, err := h.local("tcp", network, addr)
	if err != nil {
		return nil, listenError(network, addr, err)
	}
	lc := net.ListenConfig{KeepAlive: -1} // its only answer would be the link's, which always lives
	ln, err := lc.Listen(ctx, "tcp4", netip.AddrPortFrom(h.cfg.Bind, 0).String())
	if err != nil {
		return nil, err
	}
	l := &listener{Listener: ln}
	if err := h.open(p, l); err != nil {
		return nil, listenError(network, addr, err)
	}
	return l, nil
}

func listenError(network, addr string, err error) error {
	return fmt.Errorf("listen %s %s: %w", network, addr, err)
}

// listener is a listener with its logical address.
type listener struct {
	net.Listener
	addr   net.Addr
	closed func()
}

func (l *listener) real() net.Addr { return l.Listener.Addr() }

func (l *listener) known(as netip.AddrPort, closed func()) {
	l.addr, l.closed = net.TCPAddrFromAddrPort(as), closed
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return named(c, l.addr, c.RemoteAddr()), nil
}

func (l *listener) Close() error {
	err := l.Listener.Close()
	l.closed()
	return err
}

// stream is a connection that knows the logical address of where it leads, and
// can do all that the system's own can.
type stream struct {
	*net.TCPConn
	local, remote net.Addr
}

func (s *stream) LocalAddr() net.Addr  { return s.local }
func (s *stream) RemoteAddr() net.Addr { return s.remote }

func named(c net.Conn, local, remote net.Addr) net.Conn {
	if tcp, ok := c.(*net.TCPConn); ok {
		return &stream{tcp, local, remote}
	}
	return c
}
