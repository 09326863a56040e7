// Package vnet is a network in memory: TCP and UDP between named hosts, with
// real latencies, real error numbers and faults on chosen links.
//
// It starts no goroutine and makes no system call. Every point that blocks is a
// receive from a channel, and time is package time's, so inside a synctest bubble
// the clock moves on, and outside it the same network runs in real time.
//
// It behaves as Linux does where programs can tell: who gets ECONNRESET, EPIPE or
// end of file, what a reset leaves readable, that a close with unread data is a
// reset. It does not model congestion, loss, reordering, kernel keepalive or
// retransmission timeouts: a connection into a black hole lives until somebody's
// deadline, or until the fault is healed.
//
// With one processor two runs are alike, because nothing is left to chance: each
// flow has a latency of its own, so that no two deliveries are due at one instant,
// and connections are walked in the order in which they were made.
package vnet

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"deadair/harness/world"
)

const (
	window     = 256 << 10 // bytes on their way or unread, per direction, before Write blocks
	backlog    = 128       // connections that wait to be accepted, per listener
	maxPackets = 1024      // datagrams that wait to be read, per socket; more are lost

	firstPort, lastPort = 32768, 60999 // ephemeral ports
)

// never is an instant that does not come.
const never = time.Duration(1<<63 - 1)

// Config is what a network needs.
type Config struct {
	// Latency is how long a packet takes from one host to another; it is asked once
	// for each pair. Nil means no time at all. Inside one host there is never any.
	Latency func(from, to string) time.Duration
	// Watch is told of every connection that began or ended; may be nil. It is
	// called from any goroutine and must not call the network.
	Watch func(world.Conn)
}

// Net is a network. Make it with New, in the bubble in which it is used.
type Net struct {
	cfg   Config
	start time.Time

	mu        sync.Mutex // guards all below, and every connection; never held while anybody waits
	hosts     map[string]*host
	byAddr    map[netip.Addr]*host
	conns     map[uint64]*conn
	lastConn  uint64
	faults    []*Fault     // in force, in the order of Break
	flows     map[flow]int // dials so far
	latencies map[[2]*host]time.Duration
	told      []world.Conn  // for Watch, once mu is free
	spare     []*time.Timer // stopped, for waiters to come
}

// host is a machine with its ports.
type host struct {
	name      string
	addr      netip.Addr
	port      uint16 // the last ephemeral one
	listeners map[uint16]*listener
	packets   map[uint16]*packetConn
}

// flow names a client's connections to one server: what their latencies are made from.
type flow struct {
	client string
	server netip.AddrPort
}

// New makes an empty network.
func New(cfg Config) *Net {
	return &Net{
		cfg: cfg, start: time.Now(),
		hosts: map[string]*host{}, byAddr: map[netip.Addr]*host{}, conns: map[uint64]*conn{},
		flows: map[flow]int{}, latencies: map[[2]*host]time.Duration{},
	}
}

// AddHost puts a host on the network. Names and addresses must be new.
func (n *Net) AddHost(name string, addr netip.Addr) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts[name] != nil || n.byAddr[addr] != nil {
		return fmt.Errorf("add host %q at %s: name or address is taken", name, addr)
	}
	h := &host{name: name, addr: addr, listeners: map[uint16]*listener{}, packets: map[uint16]*packetConn{}}
	n.hosts[name], n.byAddr[addr] = h, h
	return nil
}

// Process gives a host a new process: a set of sockets with one fate. It panics
// on an unknown host.
func (n *Net) Process(hostName string) *Process {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[hostName]
	if h == nil {
		panic(fmt.Sprintf("vnet: no host %q", hostName))
	}
	return &Process{net: n, host: h, changed: make(chan struct{}), gone: make(chan struct{})}
}

// now is the time since the network was made.
func (n *Net) now() time.Duration { return time.Since(n.start) }

// Conns is how many connections are open.
func (n *Net) Conns() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// unlock frees mu and then tells Watch what happened meanwhile.
func (n *Net) unlock() {
	told := n.told
	n.told = nil
	n.mu.Unlock()
	for _, c := range told {
		n.cfg.Watch(c)
	}
}

// tell keeps an event for Watch. Callers hold mu and free it with unlock.
func (n *Net) tell(c world.Conn) {
	if n.cfg.Watch != nil {
		n.told = append(n.told, c)
	}
}

// latency is one way between two hosts.
func (n *Net) latency(from, to *host) time.Duration {
	if from == to || n.cfg.Latency == nil {
		return 0
	}
	pair := [2]*host{from, to}
	d, ok := n.latencies[pair]
	if !ok {
		d = n.cfg.Latency(from.name, to.name)
		n.latencies[pair] = d
	}
	return d
}

// sorted lists the connections in the order in which they were made.
func (n *Net) sorted() []*conn {
	all := make([]*conn, 0, len(n.conns))
	for _, c := range n.conns {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *conn) int { return int(a.id) - int(b.id) })
	return all
}

// ephemeral finds the host's next port that is free for what is asked.
func (h *host) ephemeral() uint16 {
	for range lastPort - firstPort + 1 {
		h.port++
		if h.port < firstPort || h.port > lastPort {
			h.port = firstPort
		}
		if h.listeners[h.port] == nil && h.packets[h.port] == nil {
			break
		}
	}
	return h.port
}

// skew is a latency of a flow's own, below a millisecond, so that no two flows
// deliver at one instant. It depends on who dials whom for the how many-th time,
// and on nothing that could differ between runs.
func skew(from, to string, nth int) time.Duration {
	h := uint64(14695981039346656037) // FNV-1a
	mix := func(s string) {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
		h = (h ^ '>') * 1099511628211
	}
	mix(from)
	mix(to)
	h = (h ^ uint64(nth)) * 1099511628211
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 32
	return time.Duration(h % uint64(time.Millisecond))
}
