package realtime

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"deadair/harness/world"
)

// Signal does something to a running node and returns when it took hold. A paused
// node goes on before it stops; one that does not end in time after Stop is
// killed, which is an error. Powercut is impossible here.
func (w *World) Signal(ctx context.Context, name string, s world.Signal) error {
	if err := w.signal(ctx, name, s); err != nil {
		return fmt.Errorf("%s %s: %w", s, name, err)
	}
	return nil
}

var _ world.Crowds = (*World)(nil)

// SignalAll implements world.Crowds.
func (w *World) SignalAll(ctx context.Context, names []string, s world.Signal) error {
	errs := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { errs[i] = w.Signal(ctx, name, s) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (w *World) signal(ctx context.Context, name string, s world.Signal) error {
	if s == world.Powercut {
		return errors.New("the kernel keeps what a process has written: only the virtual world loses what was not synced")
	}
	w.mu.Lock()
	n := w.nodes[name]
	runs := n != nil && n.proc != nil
	w.mu.Unlock()
	if !runs {
		return errors.New("it does not run")
	}
	switch s {
	case world.Kill:
		return w.kill(ctx, n)
	case world.Stop:
		return w.stopNode(ctx, n)
	case world.Pause:
		return n.proc.Pause(ctx)
	case world.Resume:
		w.wakes(n)
		return n.proc.Resume()
	}
	return errors.New("no such signal")
}

func (w *World) kill(ctx context.Context, n *node) error {
	w.links.Dying(n.Name)
	if !w.ask(n, world.Kill) {
		w.links.Dead(n.Name)
	}
	if err := n.proc.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-n.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// wakes notes that a node goes on if it was paused.
func (w *World) wakes(n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n.resumed = time.Now()
}

// ask notes why a node is going to end, unless it has ended already.
func (w *World) ask(n *node, s world.Signal) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.buried {
		return false
	}
	n.asked = s
	return true
}

func (w *World) stopNode(ctx context.Context, n *node) error {
	w.ask(n, world.Stop)
	w.wakes(n)
	if err := n.proc.Stop(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	limit := time.NewTimer(w.cfg.StopTimeout)
	defer limit.Stop()
	select {
	case <-n.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-limit.C:
	}
	err := fmt.Errorf("it was killed, for it still ran after %s; the end of its log:\n%s", w.cfg.StopTimeout, n.proc.Tail())
	return errors.Join(err, w.kill(ctx, n))
}
