// Package realtime is what the worlds of real time and real sockets share: each
// node is a process, each pair of hosts is joined by a link of its own, and the
// harness plays the other hosts itself.
//
// It owns the nodes' lives, who listens where, and the telling of how late the machine
// makes them. Where processes run, which addresses there are and where disks lie is the
// Ground's, which each such world has of its own. Traffic and its faults are package
// link's, the two ends of a node's process package child's. Destinations are always
// logical addresses; nobody can reach a port past its link. Datagrams have no links and
// no faults. It cannot lose what a disk was given but not told to sync, and dials into a
// black hole connect and hear nothing.
package realtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"deadair/balancer/env"
	"deadair/harness/world"
	"deadair/harness/world/child"
	"deadair/harness/world/host"
	"deadair/harness/world/link"
)

// Config is what a World needs. Zero values stand for the defaults given.
type Config struct {
	Hosts []Host
	Kinds world.Kinds // the same that the nodes' binary knows
	Seed  uint64
	Watch world.Watch // nil functions are not called; none is called from Close on

	Programs     world.Programs                      // nodes that are servers of somebody else's
	ReadyTimeout time.Duration                       // until a node listens on its ports; default 2 min, for a slow machine
	StopTimeout  time.Duration                       // until a node has ended after Stop; default 30 s
	Canary       func(late time.Duration)            // told, once a second from Zero on, how late this process' timers fired at worst
	SlowDisk     func(node string, by time.Duration) // told from Zero on how long one operation of this machine's disk kept a node waiting
	Starved      Starved                             // told, once a second from Zero on, how long processes waited for a processor, where the system counts that
	Log          *slog.Logger                        // for people; default none
}

// Host is a host with its addresses.
type Host struct {
	Name string     // a path of a folder, named once
	Addr netip.Addr // logical
	Bind netip.Addr // where its sockets really are; differs from Addr where addresses are mapped
}

// Ground is where a world stands.
type Ground interface {
	// Link is the address of a new link's listener, which nothing else takes while the link is closed.
	Link(k link.Key) (netip.AddrPort, error)
	// Room is where a program on a host can listen for a port, and a folder there for it.
	Room(h Host, port int) (at netip.AddrPort, dir string, err error)
	// Begin starts a node's process. A ground that cannot wait until it runs lets the process' end tell.
	Begin(s Start) (Process, error)
	// Dir is the folder of a host's disk, as harness actors on the host see it.
	Dir(host string) string
	// Disk is a host's disk as it is now.
	Disk(host string) env.Disk
	// Close gives everything back. Nothing of the world's runs any more.
	Close() error
}

// Start is a process to be started.
type Start struct {
	Spec    child.Spec          // without a folder: that is the ground's to name
	Program *Command            // of somebody else; nil for a node of ours
	Hear    func(child.Message) // what it tells, in order, from one goroutine
}

// Command starts a program.
type Command struct {
	Path string // without a slash it is looked up as a shell does
	Args []string
}

// Process is a node's process.
type Process interface {
	// Send tells it something, if it is a node of ours.
	Send(child.Message) error
	// Kill ends it at once, and Stop asks it to end, paused or not. Neither waits. A
	// process that has ended is os.ErrProcessDone.
	Kill() error
	Stop() error
	// Pause returns when all of it stands still.
	Pause(ctx context.Context) error
	Resume() error
	// Done is closed when it has ended and all it told was heard.
	Done() <-chan struct{}
	// End tells how it ended, and Tail the end of its log, for people. End is good after Done.
	End() string
	Tail() string
	// Settled tells whether somebody listens at a real address while all its threads wait.
	// It is true where nobody can tell.
	Settled(at netip.AddrPort) bool
	// Waited tells how long each of its threads has waited for a processor while it could
	// have run. An error says that this cannot be told.
	Waited() (map[string]time.Duration, error)
}

// World is a run in real time. It implements world.World.
type World struct {
	cfg      Config
	ground   Ground
	links    *link.Set
	hosts    map[string]Host
	names    map[netip.Addr]string
	zero     atomic.Pointer[time.Time] // until Zero, when the world was made
	begun    atomic.Bool               // Zero was called
	datagram *datagrams
	ctx      context.Context // of those who tell how late all is
	stop     context.CancelFunc
	wg       sync.WaitGroup
	over     chan struct{} // closed when Close is done
	endErr   error         // what Close found; good after over

	starts sync.WaitGroup // nodes that have no process yet

	mu     sync.Mutex
	nodes  map[string]*node // that run, or are being started
	ill    map[string]*illDisk
	actors map[string]*host.Host
	closed bool
}

var _ world.World = (*World)(nil)

// New makes a world without nodes on a ground, which is closed with it. The caller closes it.
func New(cfg Config, ground Ground) (*World, error) {
	w := &World{
		cfg: cfg.withDefaults(), ground: ground, datagram: newDatagrams(), over: make(chan struct{}),
		hosts: map[string]Host{}, names: map[netip.Addr]string{},
		nodes: map[string]*node{}, ill: map[string]*illDisk{}, actors: map[string]*host.Host{},
	}
	for _, h := range cfg.Hosts {
		if _, known := w.hosts[h.Name]; known || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
			return nil, fmt.Errorf("host name %q is no path of a folder, or named twice", h.Name)
		}
		w.hosts[h.Name], w.names[h.Addr] = h, h.Name
	}
	var err error
	if w.links, err = link.New(link.Config{Address: ground.Link, Watch: w.watchConn, Log: w.cfg.Log}); err != nil {
		return nil, err
	}
	w.ctx, w.stop = context.WithCancel(context.Background())
	now := time.Now()
	w.zero.Store(&now)
	return w, nil
}

func (c Config) withDefaults() Config {
	if c.ReadyTimeout == 0 {
		c.ReadyTimeout = 2 * time.Minute
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 30 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Addr is the logical address of a host. It panics on an unknown name.
func (w *World) Addr(name string) netip.Addr { return w.host(name).Addr }

func (w *World) host(name string) Host {
	h, ok := w.hosts[name]
	if !ok {
		panic(fmt.Sprintf("realtime: no host %q", name))
	}
	return h
}

// HostAt is the name of the host with a logical address, or "".
func (w *World) HostAt(a netip.Addr) string { return w.names[a.Unmap()] }

// Now is the time since Zero, or since New.
func (w *World) Now() time.Duration {
	if !w.begun.Load() {
		return 0
	}
	return time.Since(*w.zero.Load())
}

// Zero sets the world's clock to zero, for the nodes' logs too. From now on it is told how late all is.
func (w *World) Zero() {
	now := time.Now()
	w.zero.Store(&now)
	w.mu.Lock()
	first := !w.begun.Swap(true) && !w.closed
	if first && w.cfg.Canary != nil {
		w.wg.Go(func() { Canary(w.ctx, w.cfg.Canary) })
	}
	if first && w.cfg.Starved != nil {
		w.wg.Go(w.countWaits)
	}
	w.mu.Unlock()
	for _, n := range w.running() {
		if err := n.proc.Send(child.Message{Do: child.Zero, Zero: now.UnixNano()}); err != nil {
			w.cfg.Log.Warn("set a node's clock", "node", n.Name, "error", err)
		}
	}
}

// Break puts a link fault into force; package link's Set.Break tells what each
// does. It needs hosts on both sides; a name of no host is an error.
func (w *World) Break(f world.LinkFault) (world.Broken, error) {
	for _, names := range [][]string{f.From, f.To} {
		if len(names) == 0 {
			return nil, fmt.Errorf("break links (%s): name hosts on both sides", f.Kind)
		}
		for _, name := range names {
			if _, ok := w.hosts[name]; !ok {
				return nil, fmt.Errorf("break links (%s): no host %q", f.Kind, name)
			}
		}
	}
	broken, err := w.links.Break(f)
	if err != nil {
		return nil, err
	}
	return broken, nil
}

// Disk is a host's disk.
func (w *World) Disk(name string) env.Disk { return w.ground.Disk(w.host(name).Name) }

// Env is for actors that the harness plays itself on a host. Each call for one
// host gives the same. Links from it are made at its first dials; its sockets live until Close.
func (w *World) Env(name string) env.Env {
	at := w.host(name)
	w.mu.Lock()
	defer w.mu.Unlock()
	h, ok := w.actors[name]
	if !ok {
		h = host.New(host.Config{
			Name: name, Addr: at.Addr, Bind: at.Bind, Dir: w.ground.Dir(name), Seed: w.cfg.Seed,
			Log: w.cfg.Log.With("host", name), Net: &actor{w: w, name: name, addr: at.Addr},
		})
		w.actors[name] = h
	}
	return h.Env()
}

// watchConn hands on what happens on links.
func (w *World) watchConn(c world.Conn) {
	if w.cfg.Watch.Conn != nil && !w.isClosed() {
		w.cfg.Watch.Conn(c)
	}
}

func (w *World) isClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

// Close ends all nodes, their links and what they left, whatever they do. Calling
// it again waits and tells the same.
func (w *World) Close() error {
	w.mu.Lock()
	first := !w.closed
	w.closed = true
	w.mu.Unlock()
	if first {
		w.endErr = w.shutDown()
		close(w.over)
	}
	<-w.over
	return w.endErr
}

func (w *World) shutDown() error {
	w.starts.Wait()
	running := w.running()
	var errs []error
	for _, n := range running {
		if err := n.proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, fmt.Errorf("end %s: %w", n.Name, err))
		}
	}
	for _, n := range running {
		<-n.over
	}
	w.stop()
	w.mu.Lock()
	actors := slices.Collect(maps.Values(w.actors))
	w.mu.Unlock()
	for _, h := range actors {
		h.Close()
	}
	w.links.Close()
	w.wg.Wait()
	return errors.Join(append(errs, w.ground.Close())...)
}
