package fault

import (
	"context"
	"fmt"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// deploy asks nodes to end, one after the other, and starts each again as today's version,
// which it then is for good: what is installed stays when the process dies.
func deploy(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	for _, n := range step.Nodes {
		today, err := s.Today(n)
		if err != nil {
			return nil, err
		}
		if s.World().Running(n) {
			if err := s.World().Signal(ctx, n, world.Stop); err != nil {
				return nil, fmt.Errorf("end %s: %w", n, err)
			}
		}
		if err := s.World().Start(ctx, today); err != nil {
			return nil, fmt.Errorf("start %s: %w", n, err)
		}
		s.Define(today)
	}
	return over{world.Touched{Conns: len(step.Nodes)}}, nil
}
