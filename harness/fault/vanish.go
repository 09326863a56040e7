package fault

import (
	"context"
	"errors"
	"fmt"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// vanish has hosts be off the network while their processes live on. Where a world has
// networks of its own the hosts are unplugged from them, too. Healing plugs them in, and
// resets what hung on the ways meanwhile.
func vanish(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	a := &vanished{gone: gone{}}
	for _, n := range step.Nodes {
		if !s.World().Running(n) {
			return a, fmt.Errorf("vanish %s: it does not run", n)
		}
	}
	var err error
	if a.ways, err = silence(s, step); err != nil {
		return a, errors.Join(err, a.End(ctx))
	}
	w, ok := s.World().(world.Networks)
	if !ok {
		return a, nil
	}
	for _, n := range step.Nodes {
		plug, err := w.Unplug(ctx, n)
		if err != nil {
			return a, errors.Join(fmt.Errorf("unplug %s: %w", n, err), a.End(ctx))
		}
		a.plugs = append(a.plugs, plug)
	}
	return a, nil
}

// vanished is hosts that are off the network.
type vanished struct {
	gone
	plugs []func(context.Context) error // of each host that was unplugged
}

func (a *vanished) End(ctx context.Context) error {
	var errs []error
	for _, plug := range a.plugs {
		errs = append(errs, plug(ctx))
	}
	a.plugs = nil
	return errors.Join(append(errs, a.gone.End(ctx))...)
}
