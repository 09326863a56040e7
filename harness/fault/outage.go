package fault

import (
	"context"
	"errors"
	"fmt"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// outage has nodes gone at once. The ways break first, so that nobody hears the
// processes die. Healing opens the ways and starts the nodes.
func outage(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	a := &gone{}
	var err error
	if a.ways, err = silence(s, step); err != nil {
		return a, errors.Join(err, a.End(ctx))
	}
	if a.nodes, err = onNodes(ctx, s, step, world.Kill, start); err != nil {
		return a, errors.Join(err, a.End(ctx)) // or nobody would ever open the ways
	}
	return a, nil
}

// silence swallows everything on the ways to a step's nodes and back.
func silence(s Site, step scenario.Step) (ways []world.Broken, err error) {
	for _, way := range [][2][]string{{step.From, step.To}, {step.To, step.From}} {
		b, err := s.World().Break(world.LinkFault{Kind: "blackhole", From: withAliases(s, way[0]), To: withAliases(s, way[1])})
		if err != nil {
			return ways, fmt.Errorf("silence the ways: %w", err)
		}
		ways = append(ways, b)
	}
	return ways, nil
}

// gone is nodes that are out of the world.
type gone struct {
	ways  []world.Broken
	nodes Active // nil: they are still there
}

func (a *gone) Touched() world.Touched {
	var hit world.Touched
	if a.nodes != nil {
		hit = a.nodes.Touched()
	}
	for _, w := range a.ways {
		t := w.Touched()
		hit.Conns, hit.Bytes = hit.Conns+t.Conns, hit.Bytes+t.Bytes
	}
	return hit
}

func (a *gone) End(ctx context.Context) error {
	for _, w := range a.ways {
		w.Heal()
	}
	if a.nodes == nil {
		return nil
	}
	return a.nodes.End(ctx)
}
