package fault

import (
	"context"
	"fmt"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// restart ends nodes at once and starts them again, as an operator does with a process that hangs.
func restart(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	for _, n := range step.Nodes {
		if s.World().Running(n) {
			if err := s.World().Signal(ctx, n, world.Kill); err != nil {
				return nil, fmt.Errorf("end %s: %w", n, err)
			}
		}
		if err := start(ctx, s, n); err != nil {
			return nil, fmt.Errorf("start %s: %w", n, err)
		}
	}
	return over{world.Touched{Conns: len(step.Nodes)}}, nil
}
