// Package envtest is a small network in memory for tests of the servers: hosts
// that listen and dial without sockets, inside a synctest bubble or outside, and
// that can refuse, fall silent and come back. It has no latency, no rates and no
// disks, and it is no simulation of anything: it only never freezes a bubble.
package envtest

import (
	"context"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"deadair/balancer/env"
)

// Net is a network. The zero value is ready to use; its methods are safe for
// concurrent use.
type Net struct {
	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	hosts     map[netip.Addr]Mode
	pairs     []*Conn // client sides of all connections
	port      uint16
}

// Mode is how a host treats those who talk to it.
type Mode int

// Modes. Refuse resets new connections. Silent swallows everything: dials wait
// for their context, bytes of connections that exist disappear.
const (
	Normal Mode = iota
	Refuse
	Silent
)

// Set changes how a host treats dials and, when it is Silent, what happens to the
// bytes of its connections. Back in Normal, connections that were silenced stay so.
func (n *Net) Set(ip string, m Mode) {
	addr := netip.MustParseAddr(ip)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = make(map[netip.Addr]Mode)
	}
	n.hosts[addr] = m
	if m != Silent {
		return
	}
	for _, c := range n.pairs {
		if c.touches(addr) {
			c.out.mute()
			c.in.mute()
		}
	}
}

// Mute swallows from now on all bytes of the connections between two hosts that
// exist now. New connections are not affected.
func (n *Net) Mute(a, b string) {
	n.each(a, b, func(c *Conn) { c.out.mute(); c.in.mute() })
}

// Cut resets all connections between two hosts.
func (n *Net) Cut(a, b string) {
	n.each(a, b, (*Conn).Reset)
}

func (n *Net) each(a, b string, f func(*Conn)) {
	first, second := netip.MustParseAddr(a), netip.MustParseAddr(b)
	n.mu.Lock()
	pairs := append([]*Conn(nil), n.pairs...)
	n.mu.Unlock()
	for _, c := range pairs {
		if c.touches(first) && c.touches(second) {
			f(c)
		}
	}
}

// Env is the Env of a host with an address. It has no Disk. Randomness and phases
// depend only on the host and the purpose.
func (n *Net) Env(host, ip string, log *slog.Logger) env.Env {
	addr := netip.MustParseAddr(ip)
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	seed := func(purpose string) uint64 {
		h := fnv.New64a()
		h.Write([]byte(host + "\x00" + purpose))
		return h.Sum64()
	}
	return env.Env{
		Host:   host,
		Listen: func(_ context.Context, _, at string) (net.Listener, error) { return n.listen(addr, at) },
		ListenPacket: func(context.Context, string, string) (net.PacketConn, error) {
			return nil, syscall.EAFNOSUPPORT
		},
		DialContext: func(ctx context.Context, _, to string) (net.Conn, error) { return n.dial(ctx, addr, to) },
		Wall:        time.Now,
		Rand:        func(purpose string) *rand.Rand { return rand.New(rand.NewPCG(1, seed(purpose))) },
		Phase: func(loop string, interval time.Duration) time.Duration {
			if interval <= 0 {
				return 0
			}
			return time.Duration(seed(loop) % uint64(interval))
		},
		Log: log,
	}
}

func opError(op string, to netip.AddrPort, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
}

func (n *Net) dial(ctx context.Context, from netip.Addr, to string) (net.Conn, error) {
	addr, err := netip.ParseAddrPort(to)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	n.mu.Lock()
	mode, l := n.hosts[addr.Addr()], n.listeners[addr]
	n.mu.Unlock()
	if mode == Silent {
		<-ctx.Done()
		return nil, opError("dial", addr, os.ErrDeadlineExceeded)
	}
	if mode == Refuse || l == nil {
		return nil, opError("dial", addr, syscall.ECONNREFUSED)
	}
	client, server := n.pair(from, addr)
	select {
	case l.backlog <- server:
		return client, nil
	case <-l.done:
		return nil, opError("dial", addr, syscall.ECONNREFUSED)
	case <-ctx.Done():
		return nil, opError("dial", addr, os.ErrDeadlineExceeded)
	}
}

func (n *Net) pair(from netip.Addr, to netip.AddrPort) (client, server *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.port++
	source := netip.AddrPortFrom(from, 32768+n.port%20000)
	forth, back := newHalf(), newHalf()
	client = &Conn{out: forth, in: back, local: source, remote: to}
	server = &Conn{out: back, in: forth, local: to, remote: source}
	n.pairs = append(n.pairs, client)
	return client, server
}

func (n *Net) listen(ip netip.Addr, at string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(at)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = ip.String()
	}
	addr, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = make(map[netip.AddrPort]*listener)
	}
	if n.listeners[addr] != nil {
		return nil, opError("listen", addr, syscall.EADDRINUSE)
	}
	l := &listener{net: n, addr: addr, backlog: make(chan *Conn, 1024), done: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

type listener struct {
	net     *Net
	addr    netip.AddrPort
	backlog chan *Conn
	once    sync.Once
	done    chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, opError("accept", l.addr, net.ErrClosed)
	default:
	}
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.done:
		return nil, opError("accept", l.addr, net.ErrClosed)
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		l.net.mu.Lock()
		delete(l.net.listeners, l.addr)
		l.net.mu.Unlock()
		close(l.done)
		for len(l.backlog) > 0 {
			(<-l.backlog).Reset()
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }
