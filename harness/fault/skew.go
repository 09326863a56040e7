package fault

import (
	"context"
	"errors"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// skew sets clocks wrong. Healing sets them right.
func skew(_ context.Context, s Site, step scenario.Step) (Active, error) {
	clocks, ok := s.World().(world.Clocks)
	if !ok {
		return nil, errors.New("all clocks of this world are the machine's")
	}
	for _, n := range step.Nodes {
		clocks.SetClock(n, step.Skew)
	}
	return &skewed{clocks, step.Nodes}, nil
}

type skewed struct {
	clocks world.Clocks
	nodes  []string
}

func (a *skewed) Touched() world.Touched { return world.Touched{Conns: len(a.nodes)} }

func (a *skewed) End(context.Context) error {
	for _, n := range a.nodes {
		a.clocks.SetClock(n, 0)
	}
	return nil
}
