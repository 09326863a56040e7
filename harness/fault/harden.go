package fault

import (
	"context"

	"deadair/fakes/web"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// harden is operators ending old ways to speak TLS. Nothing takes it back.
func harden(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	for _, n := range step.Nodes {
		if err := s.Tell(ctx, n, "floor", web.Floor{Floor: step.Answer}, nil); err != nil {
			return nil, err
		}
	}
	return over{world.Touched{Conns: len(step.Nodes)}}, nil
}
