package realtime

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"deadair/harness/world"
	"deadair/harness/world/child"
)

// node is one life of a node: from Start to its process' end.
type node struct {
	world.Node
	proc  Process
	ready chan struct{} // closed when it listens on all its ports
	over  chan struct{} // closed when it has ended and its ports refuse
	ill   chan error    // why it cannot become ready

	// guarded by World.mu
	open    map[listener]bool
	isReady bool
	asked   world.Signal // Kill or Stop, once somebody asked it to end
	buried  bool         // its process has ended
	resumed time.Time    // after a pause
}

// listener is a logical port that a node listens on.
type listener struct {
	network string
	port    int
}

// Start starts a node in a process of its own and returns when it listens on all
// its ports. The links to its Dials are made before. Where it sends datagrams to is settled now.
func (w *World) Start(ctx context.Context, spec world.Node) error {
	n, err := w.begin(spec)
	if err != nil {
		return fmt.Errorf("start %s: %w", spec.Name, err)
	}
	limit := time.NewTimer(w.cfg.ReadyTimeout)
	defer limit.Stop()
	select {
	case <-n.ready:
		return nil
	case <-n.over:
		return fmt.Errorf("start %s: it ended before it was ready (%s); the end of its log:\n%s", spec.Name, n.proc.End(), n.proc.Tail())
	case err = <-n.ill:
	case <-limit.C:
		err = fmt.Errorf("it does not listen on all of %v after %s", spec.Ports, w.cfg.ReadyTimeout)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	n.proc.Kill()
	<-n.over
	return fmt.Errorf("start %s: %w; the end of its log:\n%s", spec.Name, err, n.proc.Tail())
}

// begin launches a node's process.
func (w *World) begin(spec world.Node) (*node, error) {
	h, ok := w.hosts[spec.Name]
	if !ok {
		return nil, errors.New("no host has its name")
	}
	_, program := w.cfg.Programs[spec.Kind]
	switch {
	case w.cfg.Kinds[spec.Kind] == nil && !program:
		return nil, fmt.Errorf("no kind %q", spec.Kind)
	case program && len(spec.Ports) != 1:
		return nil, fmt.Errorf("a program listens on one port, not on %d", len(spec.Ports))
	}
	tcp, udp, err := w.routes(spec)
	if err != nil {
		return nil, err
	}
	n := &node{Node: spec, ready: make(chan struct{}), over: make(chan struct{}), ill: make(chan error, 1), open: map[listener]bool{}}
	if err := w.enter(n); err != nil {
		return nil, err
	}
	defer w.starts.Done()
	err = w.launch(n, h, child.Spec{
		Node: spec.Name, Kind: spec.Kind, Addr: h.Addr, Bind: h.Bind,
		Seed: w.cfg.Seed, Zero: w.zero.Load().UnixNano(), TCP: tcp, UDP: udp, Conf: spec.Config, Disk: w.diskFault(spec.Name),
	})
	if err != nil {
		w.leave(n)
		return nil, err
	}
	return n, nil
}

// routes are the links of a node, and where its datagrams go, by logical destination.
func (w *World) routes(spec world.Node) (tcp, udp map[string]string, err error) {
	tcp, udp = map[string]string{}, map[string]string{}
	for _, d := range spec.Dials {
		dst, err := netip.ParseAddrPort(d)
		if err != nil {
			return nil, nil, fmt.Errorf("read its destination %q: %w", d, err)
		}
		k, err := w.key(spec.Name, dst)
		if err != nil {
			return nil, nil, fmt.Errorf("prepare its link to %s: %w", d, err)
		}
		addr, err := w.links.Address(k)
		if err != nil {
			return nil, nil, err
		}
		tcp[d], udp[d] = addr.String(), w.reach(dst).String()
	}
	return tcp, udp, nil
}

// enter notes a node that is being started. The caller calls starts.Done when it has a process, or leave.
func (w *World) enter(n *node) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errors.New("the world is closed")
	}
	if w.nodes[n.Name] != nil {
		return errors.New("it runs already")
	}
	w.nodes[n.Name] = n
	w.starts.Add(1)
	return nil
}

func (w *World) leave(n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.nodes[n.Name] == n {
		delete(w.nodes, n.Name)
	}
}

// launch starts the process and has its end noticed.
func (w *World) launch(n *node, h Host, spec child.Spec) error {
	start := Start{Spec: spec, Hear: func(m child.Message) { w.hear(n, m) }}
	foreign, err := w.program(h, n, spec.TCP)
	if err == nil && foreign != nil {
		start.Program, err = foreign.command()
	}
	if err != nil {
		return err
	}
	p, err := w.ground.Begin(start)
	if err != nil {
		return err
	}
	w.mu.Lock()
	n.proc = p
	w.mu.Unlock()
	w.settle(n)
	w.wg.Go(func() {
		if foreign != nil {
			foreign.await(p, func() {
				w.hear(n, child.Message{Do: child.Listening, Network: "tcp", Port: n.Ports[0], Addr: foreign.At.String()})
			})
		}
		<-p.Done()
		w.bury(n)
	})
	return nil
}

// hear takes in what a node's process tells.
func (w *World) hear(n *node, m child.Message) {
	at := listener{m.Network, m.Port}
	logical := netip.AddrPortFrom(w.hosts[n.Name].Addr, uint16(m.Port))
	switch m.Do {
	case child.Listening:
		real, err := netip.ParseAddrPort(m.Addr)
		if err == nil && m.Network == "udp" {
			w.datagram.add(logical, real)
		} else if err == nil {
			err = w.links.Up(n.Name, m.Port, m.Addr)
		}
		if err != nil {
			w.cfg.Log.Error("open links", "to", n.Name, "port", m.Port, "error", err)
			select {
			case n.ill <- err:
			default:
			}
			return
		}
		w.mu.Lock()
		n.open[at] = true
		w.mu.Unlock()
		w.settle(n)
	case child.Closed:
		w.mu.Lock()
		delete(n.open, at)
		w.mu.Unlock()
		w.shut(n, at)
	case child.DiskHit:
		w.diskHit(n.Name, m.Hits)
	case child.DiskSlow:
		w.slowDisk(n, m.Took)
	case child.Refused:
		dst, err := netip.ParseAddrPort(m.Addr)
		if err != nil {
			return
		}
		if k, err := w.key(n.Name, dst); err == nil {
			w.links.Refused(k)
		}
	}
}

// slowDisk hands on that a node waited for its disk. What it did not do while it was paused does not count.
func (w *World) slowDisk(n *node, by time.Duration) {
	const underway = time.Second // at most, of what it tells
	w.mu.Lock()
	paused := time.Since(n.resumed) < by+underway
	closed := w.closed
	w.mu.Unlock()
	if w.cfg.SlowDisk != nil && w.begun.Load() && !paused && !closed {
		w.cfg.SlowDisk(n.Name, by)
	}
}

func (w *World) shut(n *node, at listener) {
	if at.network == "udp" {
		w.datagram.remove(netip.AddrPortFrom(w.hosts[n.Name].Addr, uint16(at.port)))
		return
	}
	w.down(n.Name, at.port)
}

// settle notes that a node is ready, once it listens on all its ports.
func (w *World) settle(n *node) {
	w.mu.Lock()
	ready := !n.isReady
	for _, p := range n.Ports {
		ready = ready && (n.open[listener{"tcp", p}] || n.open[listener{"udp", p}])
	}
	n.isReady = n.isReady || ready
	tell := ready && !w.closed
	w.mu.Unlock()
	if !ready {
		return
	}
	if tell && w.cfg.Watch.NodeReady != nil {
		w.cfg.Watch.NodeReady(n.Name)
	}
	close(n.ready)
}

// bury closes what a node's process left, and reports its end.
func (w *World) bury(n *node) {
	w.mu.Lock()
	class := map[world.Signal]string{world.Kill: "killed", world.Stop: "stopped", "": "crashed"}[n.asked]
	open := n.open
	n.buried = true
	n.open = map[listener]bool{}
	tell := n.isReady && !w.closed
	w.mu.Unlock()
	for at := range open {
		w.shut(n, at)
	}
	if class == "killed" {
		w.links.Dead(n.Name)
	}
	w.leave(n)
	if tell && class == "crashed" {
		w.cfg.Log.Error("node crashed", "node", n.Name, "end", n.proc.End(), "log", n.proc.Tail())
	}
	if tell && w.cfg.Watch.NodeEnded != nil {
		w.cfg.Watch.NodeEnded(n.Name, class)
	}
	close(n.over)
}

// Running tells whether a node runs, or is being started.
func (w *World) Running(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[name] != nil
}

// running lists the nodes that have a process.
func (w *World) running() []*node {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*node
	for _, n := range w.nodes {
		if n.proc != nil {
			all = append(all, n)
		}
	}
	return all
}
