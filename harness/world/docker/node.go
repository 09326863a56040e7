package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"deadair/harness/world/docker/inside"
)

// maxOrders is how many orders for one node may wait.
const maxOrders = 1024

// wire is what is said to a box, by whom ever.
type wire struct {
	mu  sync.Mutex
	box *box
}

func (w *wire) say(m inside.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.box.in.Encode(m); err != nil {
		return fmt.Errorf("tell a container: %w", err)
	}
	return nil
}

// node is a node's container: a guard's, and another one in its network if the node
// is a server of somebody else's.
type node struct {
	run   *run
	name  string
	inbox chan inside.Message
	made  chan struct{} // closed when guard is good, or err
	guard *box
	err   error

	program *program // the last one; nil for a node of ours
}

// makeNodes makes all nodes' containers, until ctx ends, and has each do what the stage says
// to it. It does not wait; the channel is closed when obeying has ended and nothing of it runs any more.
func (r *run) makeNodes(ctx, obeying context.Context) <-chan struct{} {
	var making errgroup.Group
	making.SetLimit(atOnce)
	var all sync.WaitGroup
	var own []*node
	for _, h := range r.Hosts {
		if h.Datacenter == "" {
			continue
		}
		n := &node{run: r, name: h.Name, inbox: make(chan inside.Message, maxOrders), made: make(chan struct{})}
		r.nodes[h.Name] = n
		own = append(own, n)
		all.Go(func() { n.obey(obeying) })
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, n := range own {
			making.Go(func() error { n.make(ctx); return nil })
		}
		making.Wait() //nolint:errcheck // the functions return none
		all.Wait()
	}()
	return done
}

// make makes and starts the node's container.
func (n *node) make(ctx context.Context) {
	defer close(n.made)
	if ctx.Err() != nil {
		n.err = context.Cause(ctx)
		return
	}
	dc, at := n.run.where(n.name)
	n.guard, n.err = n.run.make(ctx, order{
		name: n.name, image: nodeImage, args: []string{inside.GuardArg}, place: n.run.places[dc], at: at,
		aliases: []string{alias(n.name)}, asks: n.run.places[dc].at(stageByte), text: n.run.text,
	})
	if n.err == nil {
		n.err = n.guard.Start(ctx)
	}
	if n.err != nil {
		n.err = fmt.Errorf("start the container of %s: %w", n.name, n.err)
		return
	}
	go n.listen()
}

// alias is a node's name for the engine's DNS: us-east/balancer-1 is balancer-1.us-east.
func alias(node string) string {
	dc, name, ok := strings.Cut(node, "/")
	if !ok {
		return node
	}
	return name + "." + dc
}

// listen passes on what the guard says.
func (n *node) listen() {
	for {
		var m inside.Message
		if err := n.guard.out.Decode(&m); err != nil {
			n.tell(inside.Message{Do: inside.Ended, Text: "its container ended"})
			return
		}
		n.tell(m)
	}
}

func (n *node) tell(m inside.Message) {
	m.Node = n.name
	n.run.stage.say(m) //nolint:errcheck // a stage that has ended needs no word
}

// obey does what the stage says to the node, in order.
func (n *node) obey(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-n.inbox:
			if err := n.do(ctx, m); err != nil && ctx.Err() == nil {
				n.fail(m, err)
			}
		}
	}
}

// fail tells the stage that something could not be done.
func (n *node) fail(m inside.Message, err error) {
	switch m.Do {
	case inside.Begin:
		n.tell(inside.Message{Do: inside.Ended, Text: err.Error()})
	case inside.Pause:
		n.tell(inside.Message{Do: inside.Did, Text: err.Error()})
	case inside.Unplug, inside.Plug, inside.Expose:
		n.tell(inside.Message{Do: inside.Wired, Text: err.Error()})
	default:
		n.run.Log.Warn("order a node about", "node", n.name, "do", m.Do, "error", err)
	}
}

func (n *node) do(ctx context.Context, m inside.Message) error {
	select {
	case <-n.made:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if n.err != nil {
		return n.err
	}
	switch {
	case m.Do == inside.Begin && m.Program != nil:
		return n.begin(ctx, m)
	case m.Do == inside.Unplug:
		return n.unplug(ctx)
	case m.Do == inside.Plug:
		return n.plug(ctx)
	}
	if n.program != nil && m.Do != inside.Expose {
		return n.program.order(ctx, m)
	}
	m.Node = ""
	return (&wire{box: n.guard}).say(m)
}

// where is a node's datacenter and its address.
func (r *run) where(name string) (dc string, at netip.Addr) {
	for i, h := range r.Hosts {
		if h.Name == name {
			return h.Datacenter, r.opening.Hosts[i].Addr
		}
	}
	return "", at
}

// program is a server of somebody else's, in a container of its own that has the guard's network.
type program struct {
	node *node
	box  *box
	log  string
}

// begin starts the server, or starts it again: then it finds its files as it left them.
func (n *node) begin(ctx context.Context, m inside.Message) error {
	if n.program == nil {
		p := &program{node: n, log: inside.LogPath(filepath.Join(n.run.Dir, "logs"), n.name)}
		if err := os.MkdirAll(filepath.Dir(p.log), 0o755); err != nil {
			return err
		}
		image, ok := n.run.images[m.Program.Path]
		if !ok {
			return fmt.Errorf("no image is known for %s", m.Program.Path)
		}
		text, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		p.box, err = n.run.create(ctx, order{
			name: n.name + "-program", image: image, args: append([]string{m.Program.Path}, m.Program.Args...), shares: n.guard.GetContainerID(),
		})
		if err != nil {
			return errors.Join(err, text.Close())
		}
		n.program = p
		return p.start(ctx, text)
	}
	text, err := os.OpenFile(n.program.log, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return n.program.start(ctx, text)
}

// start starts the container, and has its end noticed.
func (p *program) start(ctx context.Context, text io.WriteCloser) error {
	if err := p.node.run.attach(ctx, p.box, text, text); err != nil {
		return errors.Join(err, text.Close())
	}
	wait := p.node.run.engine.ContainerWait(context.WithoutCancel(ctx), p.box.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if err := p.box.Start(ctx); err != nil {
		return errors.Join(err, text.Close())
	}
	go func() {
		defer text.Close()
		select {
		case result := <-wait.Result:
			p.node.tell(inside.Message{Do: inside.Ended, Text: fmt.Sprintf("exit status %d", result.StatusCode)})
		case err := <-wait.Error:
			p.node.tell(inside.Message{Do: inside.Ended, Text: err.Error()})
		}
	}()
	return nil
}

// order does something to the server.
func (p *program) order(ctx context.Context, m inside.Message) (err error) {
	e, id := p.node.run.engine, p.box.GetContainerID()
	switch m.Do {
	case inside.Kill:
		_, err = e.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGKILL"})
	case inside.Stop:
		err = p.resume(ctx)
		if err == nil {
			_, err = e.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "SIGTERM"})
		}
	case inside.Pause:
		if _, err = e.ContainerPause(ctx, id, client.ContainerPauseOptions{}); err == nil {
			p.node.tell(inside.Message{Do: inside.Did})
		}
	case inside.Resume:
		err = p.resume(ctx)
	}
	return err
}

// resume lets the server go on, if it is paused.
func (p *program) resume(ctx context.Context) error {
	i, err := p.node.run.engine.ContainerInspect(ctx, p.box.GetContainerID(), client.ContainerInspectOptions{})
	if err != nil || i.Container.State == nil || !i.Container.State.Paused {
		return err
	}
	_, err = p.node.run.engine.ContainerUnpause(ctx, p.box.GetContainerID(), client.ContainerUnpauseOptions{})
	return err
}
