package fault

import (
	"context"
	"fmt"

	"deadair/balancer"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// rollout is operators telling every balancer whose shows go to the new recorders from
// now on. Nothing takes it back but another one. A balancer that is down is not told.
func rollout(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	told := 0
	for _, n := range step.Nodes {
		if !s.World().Running(n) {
			continue
		}
		if err := s.Tell(ctx, n, "rollout", map[string]any{"routes": routes(step.Answer)}, nil); err != nil {
			return nil, fmt.Errorf("roll out: %w", err)
		}
		told++
	}
	return over{world.Touched{Conns: told}}, nil
}

// routes lead a cohort to the new recorders, and all others to the old ones.
func routes(cohort string) []balancer.Route {
	rest := balancer.Route{To: scenario.OldRecorders}
	to := balancer.Route{To: scenario.NewRecorders}
	switch cohort {
	case "nobody":
		return []balancer.Route{rest}
	case "pro":
		to.Plan = "pro"
	case "third-party":
		to.Apps = "third-party"
	case "pro-third-party":
		to.Plan, to.Apps = "pro", "third-party"
	}
	return []balancer.Route{to, rest}
}
