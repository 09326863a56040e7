// Package world says what a world can do for a run: hold hosts and nodes, carry
// their traffic over links, and break both. The worlds themselves are its
// subpackages; nothing outside them knows how a node or a link is made.
package world

import (
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"time"

	"deadair/balancer/env"
)

// Host is a machine on the world's network: a node's, a broadcaster's, a checker's.
type Host struct {
	Name  string // eu-west/balancer-1, us-east-07, checker-03
	Place string // a datacenter's or city's name, for round trips
}

// Node is one restartable member of the system under test. It runs on the host of the same name.
type Node struct {
	Name   string          // also its Host's name
	Kind   string          // a key of Kinds or of Programs
	Config json.RawMessage // env.Config of each start
	Ports  []int           // it is ready when it listens on all of them
	Dials  []string        // "ip:port" of whom it may connect to
}

// Serve runs a node until ctx is done.
type Serve func(ctx context.Context, e env.Env) error

// Kinds maps a node's Kind to its code. In loopback the child process looks its
// kind up in the same table, so both worlds run the same code.
type Kinds map[string]Serve

// Program is a node that is a server of somebody else's, in a process of its own.
// It listens on one port. Only worlds of processes have such nodes.
type Program struct {
	// Path is the executable; without a slash it is looked up as a shell does.
	Path string
	// Args are its arguments. What it needs in its folder may be written there meanwhile.
	Args func(p Place) ([]string, error)
	// Settles is a server that a connection breaks while it starts. It is asked only once
	// somebody listens at its port and all its threads wait; only Linux tells that.
	Settles bool
	// Ready asks, over a connection of its own, whether it serves.
	Ready func(ctx context.Context, conn net.Conn) error
}

// Place is where a program runs as a node.
type Place struct {
	Node  Node
	At    netip.AddrPort    // the real address where it must listen
	Dir   string            // its folder, which exists
	Reach map[string]string // where those whom it may connect to really are, by the node's Dials
}

// Programs maps a node's Kind to somebody else's server.
type Programs map[string]Program

// Signal is something done to a running node from outside.
type Signal string

// Signals. Kill ends the node at once: its connections are reset, its ports
// refuse, its disk keeps what was written. Powercut is a kill that also loses
// what was not synced. Stop asks it to end (SIGTERM). Pause freezes it, Resume
// lets it go on.
const (
	Kill     Signal = "kill"
	Powercut Signal = "powercut"
	Stop     Signal = "stop"
	Pause    Signal = "pause"
	Resume   Signal = "resume"
)

// LinkFault is something wrong with the links from some hosts to others.
type LinkFault struct {
	Kind      string        // cut, refuse, stall, blackhole, delay, throttle
	From, To  []string      // host names; a link is named by who dials whom
	Conns     string        // existing, new, all
	Direction string        // both, forth (From→To), back
	Delay     time.Duration // one way, of the world's clock
	Rate      int           // bytes per second of the world's clock
}

// DiskFault is something wrong with a host's disk.
type DiskFault struct {
	Kind  string        // full, error, slow
	Delay time.Duration // of each operation when slow; of the world's clock
}

// Disks is a world that can break disks.
type Disks interface {
	// BreakDisk puts a disk fault into force, in the place of another one. Processes
	// that start meanwhile meet it too; the harness' own view of the disk does not.
	BreakDisk(host string, f DiskFault) (Broken, error)
}

// Crowds is a world in which one signal after another takes time, so that a client could
// turn from a node that is gone to one that is about to go.
type Crowds interface {
	// SignalAll is Signal for several nodes in one instant, or as near as the machine
	// can. It returns when all of them are done, with the errors of all.
	SignalAll(ctx context.Context, nodes []string, s Signal) error
}

// Clocks is a world in which each host has a clock of its own.
type Clocks interface {
	// SetClock has the stamps of a host be ahead of the world's time, or behind it when by
	// is negative. Lengths of time that the host measures are as they were.
	SetClock(host string, by time.Duration)
}

// Networks is a world whose hosts are on networks of their own.
type Networks interface {
	// Unplug takes a node's host off its network. What is returned puts it back, with the
	// address and the names that it had; doing that twice does nothing.
	Unplug(ctx context.Context, node string) (plug func(context.Context) error, err error)
}

// Systems is a world whose hosts have systems of their own: what is not ours and runs on
// them resolves names as it always does.
type Systems interface {
	// Resolve has these systems told what the servers answer, by the names of their zones,
	// until ctx ends. Who asks is taken to be where his host is.
	Resolve(ctx context.Context, servers map[string]netip.AddrPort) error
}

// Touched is what a fault really hit so far, counted at the links.
type Touched struct {
	Conns int   // connections reset, refused, withheld or slowed; of a disk, its operations
	Bytes int64 // bytes withheld, discarded, delayed
}

// Broken is a fault in force.
type Broken interface {
	Touched() Touched
	// Heal ends the fault. A stall delivers what it withheld. Connections that a
	// blackhole hit are reset, for they lost bytes. Healing twice does nothing.
	Heal()
}

// Conn is a connection that began or ended on a watched link.
type Conn struct {
	From, To string
	Port     int
	Class    string // Opened: ok, refused, timeout, held (accepted by the link only). Ended: eof, reset
	Ended    bool
}

// Watch is how a world reports. Functions are called from any goroutine, must be quick, and must not call the world.
type Watch struct {
	NodeReady func(node string)
	NodeEnded func(node, class string) // killed, stopped, crashed
	Conn      func(Conn)
}

// World is one run's universe.
type World interface {
	// Addr is the address of a host. It panics on an unknown name.
	Addr(host string) netip.Addr
	// HostAt is the name of the host with an address, or "".
	HostAt(netip.Addr) string
	// Env is for actors that the harness plays itself on a host: broadcasters, checkers, DNS, operators.
	Env(host string) env.Env
	// Now is the world's clock since Zero, not scaled; 0 before.
	Now() time.Duration
	// Zero sets the world's clock to zero: incident time begins.
	Zero()
	// Start starts a node, or starts it again, and returns when it is ready.
	Start(ctx context.Context, n Node) error
	// Signal does something to a running node and returns when it took hold: after
	// Kill, Powercut and Stop the node has ended.
	Signal(ctx context.Context, node string, s Signal) error
	// Running tells whether a node runs.
	Running(node string) bool
	// Break puts a link fault into force.
	Break(LinkFault) (Broken, error)
	// Disk is a host's disk as it is now, for collecting evidence.
	Disk(host string) env.Disk
	// Close heals all, ends all nodes and returns when all that the world started has ended.
	Close() error
}
