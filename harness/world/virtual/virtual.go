// Package virtual is the world in virtual time: hosts and nodes in one process,
// an in-memory network with real round trips, disks in memory, and a clock that
// moves on when everybody waits. Hours pass in seconds, and with one processor a
// seed plays the same every time.
//
// It owns the bubble (InBubble, Guard), the nodes' lives and what their Envs are
// made of. How bytes travel and break is vnet's; what a disk loses is fakes/disk's.
// It does not freeze a paused node's own timers, and it knows no CPU: everything
// that does not wait takes no time.
package virtual

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/env"
	"deadair/fakes/disk"
	"deadair/harness/world"
	"deadair/harness/world/virtual/vnet"
)

const (
	mute  = 2 * time.Minute  // of a node that does not listen, before its start has failed
	grace = time.Minute      // of a node that was asked to stop, before it is killed
	death = 10 * time.Second // of a killed node's goroutine to return
	drain = time.Second      // at the end, for goroutines to see that their world is gone
)

// Config is what a world is made of.
type Config struct {
	// Hosts are all machines there will ever be, nodes' and actors'. Addresses
	// follow their order.
	Hosts []world.Host
	// Kinds are the nodes' codes.
	Kinds world.Kinds
	// RTT is the round trip between two places; nil means RTT of this package.
	RTT func(from, to string) time.Duration
	// Seed decides all randomness and all phases.
	Seed uint64
	// Watch is told what happens. Its functions may be nil.
	Watch world.Watch
	// Log gives each host its logger; nil discards.
	Log func(host string) *slog.Logger
}

// World is a world in virtual time. It implements world.World.
type World struct {
	cfg   Config
	net   *vnet.Net
	hosts map[string]*host
	names map[netip.Addr]string

	mu     sync.Mutex       // guards all below; never held while anybody waits
	zero   time.Time        // of the clock; the zero time until Zero
	nodes  map[string]*node // running
	ghosts map[string]*node // killed, and their code has not returned yet
	actors []*vnet.Process
	closed bool
}

var _ world.World = (*World)(nil)

// host is a machine: an address and a disk.
type host struct {
	world.Host
	index int
	addr  netip.Addr
	disk  *disk.Disk
	ill   disk.Trouble
	skew  atomic.Int64 // of its clock, in nanoseconds: ahead, or behind when negative

	mu   sync.Mutex
	view *disk.Mounted // the harness' own mount
}

// New makes a world. Call it inside the bubble. It starts nothing.
func New(cfg Config) (*World, error) {
	if cfg.RTT == nil {
		cfg.RTT = RTT
	}
	if cfg.Log == nil {
		cfg.Log = func(string) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	w := &World{
		cfg: cfg, hosts: map[string]*host{}, names: map[netip.Addr]string{},
		nodes: map[string]*node{}, ghosts: map[string]*node{},
	}
	w.net = vnet.New(vnet.Config{Latency: w.latency, Watch: w.conn})
	for i, h := range cfg.Hosts {
		if err := w.addHost(i, h); err != nil {
			return nil, fmt.Errorf("make world: %w", err)
		}
	}
	return w, nil
}

func (w *World) addHost(i int, h world.Host) error {
	const perNet = 250
	addr := netip.AddrFrom4([4]byte{10, byte(i / perNet / 256), byte(i / perNet), byte(i%perNet + 1)})
	if err := w.net.AddHost(h.Name, addr); err != nil {
		return err
	}
	d, err := disk.New(disk.Config{})
	if err != nil {
		return err
	}
	w.hosts[h.Name] = &host{Host: h, index: i, addr: addr, disk: d}
	w.names[addr] = h.Name
	return nil
}

// latency is one way between two hosts.
func (w *World) latency(from, to string) time.Duration {
	return w.cfg.RTT(w.hosts[from].Place, w.hosts[to].Place) / 2
}

// host panics on an unknown name: only the harness asks, and it made the hosts.
func (w *World) host(name string) *host {
	h := w.hosts[name]
	if h == nil {
		panic(fmt.Sprintf("virtual: no host %q", name))
	}
	return h
}

// Addr implements world.World.
func (w *World) Addr(hostName string) netip.Addr { return w.host(hostName).addr }

// HostAt implements world.World.
func (w *World) HostAt(addr netip.Addr) string { return w.names[addr.Unmap()] }

// Env implements world.World. Its sockets live until Close, whatever becomes of a
// node on the same host.
func (w *World) Env(hostName string) env.Env {
	h := w.host(hostName)
	p := w.net.Process(hostName)
	w.mu.Lock()
	w.actors = append(w.actors, p)
	w.mu.Unlock()
	return w.env(h, p, w.Disk(hostName))
}

// Now implements world.World.
func (w *World) Now() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.zero.IsZero() {
		return 0
	}
	return time.Since(w.zero)
}

// Zero implements world.World.
func (w *World) Zero() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.zero = time.Now()
}

// Break implements world.World.
func (w *World) Break(f world.LinkFault) (world.Broken, error) { return w.net.Break(f) }

// Running implements world.World.
func (w *World) Running(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[name] != nil
}

// Conns is how many connections are open.
func (w *World) Conns() int { return w.net.Conns() }

// DiskBytes is what all disks hold.
func (w *World) DiskBytes() int64 {
	var sum int64
	for _, h := range w.cfg.Hosts {
		if free, total, err := w.Disk(h.Name).Free(); err == nil {
			sum += total - free
		}
	}
	return sum
}

// conn passes on what links tell.
func (w *World) conn(c world.Conn) {
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if !closed && w.cfg.Watch.Conn != nil {
		w.cfg.Watch.Conn(c)
	}
}

// Close implements world.World. Nobody is told of what it ends. It names the nodes
// whose code did not return.
func (w *World) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	nodes, actors := w.sorted(), w.actors
	w.mu.Unlock()

	for _, n := range nodes {
		w.kill(n, world.Kill)
	}
	for _, p := range actors {
		p.Kill()
	}
	var errs []error
	for _, n := range nodes {
		errs = append(errs, n.await(context.Background(), death))
	}
	time.Sleep(drain)
	return errors.Join(errs...)
}
