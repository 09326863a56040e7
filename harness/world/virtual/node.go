package virtual

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"deadair/fakes/disk"
	"deadair/harness/world"
	"deadair/harness/world/virtual/vnet"
)

// errKilled is why a node's context ends when it is killed, errStopped when it is asked to stop.
var (
	errKilled  = errors.New("killed")
	errStopped = errors.New("stopped")
)

// node is one life of a node, from a start to its end.
type node struct {
	world.Node
	host  *host
	proc  *vnet.Process
	mount *disk.Mounted
	gate  *gate // before the mount
	end   context.CancelCauseFunc
	ended chan struct{} // its code has returned
	began chan string   // holds the number of its goroutine
	asked bool          // somebody wanted its end; guarded by World.mu
}

// Start implements world.World. Nodes that are started at the same instant begin a
// nanosecond apart, each at its own: otherwise the scheduler would say who is first.
func (w *World) Start(ctx context.Context, def world.Node) error {
	if h := w.hosts[def.Name]; h != nil {
		time.Sleep(time.Duration(h.index+1) * time.Nanosecond)
	}
	n, err := w.launch(def)
	if err != nil {
		return fmt.Errorf("start %s: %w", def.Name, err)
	}
	soon, stop := context.WithTimeoutCause(ctx, mute, fmt.Errorf("gave up after %s: %w", mute, context.DeadlineExceeded))
	defer stop()
	if err := n.proc.AwaitPorts(soon, def.Ports); err != nil {
		if soon.Err() != nil {
			err = context.Cause(soon)
		}
		if !w.Running(def.Name) {
			return fmt.Errorf("start %s: it ended before it listened on ports %v", def.Name, def.Ports)
		}
		defer w.kill(n, world.Kill)
		return fmt.Errorf("start %s: it does not listen on ports %v: %w\n%s", def.Name, def.Ports, err, n.stack())
	}
	if w.cfg.Watch.NodeReady != nil {
		w.cfg.Watch.NodeReady(def.Name)
	}
	return nil
}

// launch gives a node a process, a mount and a goroutine.
func (w *World) launch(def world.Node) (*node, error) {
	serve, h := w.cfg.Kinds[def.Kind], w.hosts[def.Name]
	switch {
	case serve == nil:
		return nil, fmt.Errorf("no such kind of node: %q", def.Kind)
	case h == nil:
		return nil, errors.New("it has no host")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed:
		return nil, errors.New("the world is closed")
	case w.nodes[def.Name] != nil:
		return nil, errors.New("it runs already")
	case w.ghosts[def.Name] != nil:
		return nil, errors.New("it was killed, but its code has not returned")
	}
	ctx, end := context.WithCancelCause(context.Background())
	n := &node{Node: def, host: h, proc: w.net.Process(def.Name), mount: h.disk.Mount(), gate: &gate{}, end: end, ended: make(chan struct{}), began: make(chan string, 1)}
	w.nodes[def.Name] = n
	e := w.env(h, n.proc, gatedDisk{h.ill.On(n.mount), n.gate})
	e.Config = def.Config
	go func() {
		defer close(n.ended)
		n.began <- self()
		err := play(func() error { return serve(ctx, e) })
		w.returned(n, err)
	}()
	return n, nil
}

// play runs a node's code and makes an error of its panic.
func play(serve func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return serve()
}

// returned ends a node whose code has returned, asked or not.
func (w *World) returned(n *node, err error) {
	w.mu.Lock()
	ghost := w.ghosts[n.Name] == n
	asked := n.asked
	delete(w.ghosts, n.Name)
	if !ghost {
		delete(w.nodes, n.Name)
	}
	w.mu.Unlock()
	if ghost {
		return
	}
	n.proc.Kill()
	n.mount.Unmount()
	n.gate.open()
	n.end(errStopped)
	log := w.cfg.Log(n.Name)
	switch {
	case !asked:
		log.Error("node crashed", "error", err)
		w.tellEnded(n.Name, "crashed")
	case err != nil:
		log.Error("node stopped with an error", "error", err)
		w.tellEnded(n.Name, "stopped")
	default:
		w.tellEnded(n.Name, "stopped")
	}
}

func (w *World) tellEnded(name, class string) {
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if !closed && w.cfg.Watch.NodeEnded != nil {
		w.cfg.Watch.NodeEnded(name, class)
	}
}

// Signal implements world.World. A stop that takes longer than a minute becomes a kill and an error.
func (w *World) Signal(ctx context.Context, name string, s world.Signal) error {
	w.mu.Lock()
	n := w.nodes[name]
	if n != nil && s == world.Stop {
		n.asked = true
	}
	w.mu.Unlock()
	if n == nil {
		return fmt.Errorf("%s %s: it does not run", s, name)
	}
	switch s {
	case world.Kill, world.Powercut:
		w.kill(n, s)
		return n.await(ctx, death)
	case world.Stop:
		return w.stop(ctx, n)
	case world.Pause:
		n.proc.Pause()
		n.gate.shut()
	case world.Resume:
		n.proc.Resume()
		n.gate.open()
	default:
		return fmt.Errorf("signal %s: no such signal: %q", name, s)
	}
	return nil
}

// kill ends a node at this instant: what its code still does reaches nobody.
func (w *World) kill(n *node, s world.Signal) {
	w.mu.Lock()
	runs := w.nodes[n.Name] == n
	if runs {
		delete(w.nodes, n.Name)
		w.ghosts[n.Name] = n
		n.asked = true
	}
	w.mu.Unlock()
	if !runs {
		return
	}
	n.mount.Unmount()
	if s == world.Powercut {
		n.host.powerCut()
	}
	n.proc.Kill()
	n.gate.open()
	n.end(errKilled)
	w.tellEnded(n.Name, "killed")
}

// stop asks a node to end and waits for it. A paused one goes on first.
func (w *World) stop(ctx context.Context, n *node) error {
	n.proc.Resume()
	n.gate.open()
	n.end(errStopped)
	err := n.await(ctx, grace)
	if err != nil {
		w.kill(n, world.Kill)
	}
	return err
}

// await waits until the node's code has returned.
func (n *node) await(ctx context.Context, limit time.Duration) error {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-n.ended:
		return nil
	case <-t.C:
		return fmt.Errorf("node %s was told to end, but its Serve has not returned for %s\n%s", n.Name, limit, n.stack())
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of %s: %w", n.Name, context.Cause(ctx))
	}
}

// stack is where the node's code is: its Serve, and the goroutines that this started itself.
func (n *node) stack() string {
	number := <-n.began
	n.began <- number
	return first(family(stacks(), number))
}

// sorted lists running nodes and ghosts by name.
func (w *World) sorted() []*node {
	all := maps.Clone(w.ghosts)
	maps.Copy(all, w.nodes)
	var list []*node
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}
