package fault

import (
	"context"
	"errors"
	"fmt"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// onNodes sends a signal to each node of a step, to all at once where that ends or freezes them;
// heal undoes it node by node, last first.
func onNodes(ctx context.Context, s Site, step scenario.Step, sig world.Signal, heal func(context.Context, Site, string) error) (Active, error) {
	a := &nodes{site: s, heal: heal}
	w, together := s.World().(world.Crowds)
	together = together && sig != world.Stop // those end at their own pace, one after the other
	for _, n := range step.Nodes {
		if !s.World().Running(n) {
			return a, errors.Join(fmt.Errorf("%s %s: it does not run", sig, n), a.End(ctx))
		}
		if together {
			continue
		}
		if err := s.World().Signal(ctx, n, sig); err != nil {
			return a, errors.Join(fmt.Errorf("%s %s: %w", sig, n, err), a.End(ctx))
		}
		a.hit = append(a.hit, n)
	}
	if !together {
		return a, nil
	}
	a.hit = step.Nodes
	if err := w.SignalAll(ctx, step.Nodes, sig); err != nil {
		return a, errors.Join(err, a.End(ctx))
	}
	return a, nil
}

type nodes struct {
	site  Site
	heal  func(context.Context, Site, string) error
	hit   []string
	ended int // how many of hit, from the back, are healed
}

func (a *nodes) Touched() world.Touched { return world.Touched{Conns: len(a.hit)} }

func (a *nodes) End(ctx context.Context) error {
	var errs []error
	for ; a.ended < len(a.hit); a.ended++ {
		n := a.hit[len(a.hit)-1-a.ended]
		if err := a.heal(ctx, a.site, n); err != nil {
			errs = append(errs, fmt.Errorf("heal %s: %w", n, err))
		}
	}
	return errors.Join(errs...)
}

// start brings a node back that a fault ended, unless a later step already did.
func start(ctx context.Context, s Site, node string) error {
	if s.World().Running(node) {
		return nil
	}
	n, ok := s.Node(node)
	if !ok {
		return fmt.Errorf("no node %s", node)
	}
	return s.World().Start(ctx, n)
}
