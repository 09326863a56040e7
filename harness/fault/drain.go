package fault

import (
	"context"
	"fmt"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// drain is an operator taking nodes out for new shows. Healing takes them back in.
func drain(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	a := &nodes{site: s, heal: func(ctx context.Context, s Site, node string) error {
		if !s.World().Running(node) {
			return nil // a node that is started again is not draining
		}
		return s.Operate(ctx, node, "undrain")
	}}
	for _, n := range step.Nodes {
		if err := s.Operate(ctx, n, "drain"); err != nil {
			return a, fmt.Errorf("drain %s: %w", n, err)
		}
		a.hit = append(a.hit, n)
	}
	return a, nil
}

// undrain ends a drain that a step with no length of its own began.
func undrain(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	for _, n := range step.Nodes {
		if err := s.Operate(ctx, n, "undrain"); err != nil {
			return nil, fmt.Errorf("undrain %s: %w", n, err)
		}
	}
	return over{world.Touched{Conns: len(step.Nodes)}}, nil
}
