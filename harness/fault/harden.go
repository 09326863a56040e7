package fault

import (
	"context"
	"encoding/json"
	"fmt"

	"deadair/fakes/web"
	"deadair/harness/scenario"
	"deadair/harness/world"
)

// harden is operators ending old ways to speak TLS, in what servers are started with as
// well. Nothing takes it back.
func harden(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	for _, n := range step.Nodes {
		if err := s.Tell(ctx, n, "floor", web.Floor{Floor: step.Answer}, nil); err != nil {
			return nil, err
		}
		if err := refloor(s, n, step.Answer); err != nil {
			return nil, fmt.Errorf("harden %s: %w", n, err)
		}
	}
	return over{world.Touched{Conns: len(step.Nodes)}}, nil
}

// refloor has a web server be started with another floor from now on.
func refloor(s Site, node, floor string) error {
	n, ok := s.Node(node)
	if !ok {
		return fmt.Errorf("no node %s", node)
	}
	var cfg web.Config
	if err := json.Unmarshal(n.Config, &cfg); err != nil {
		return fmt.Errorf("read its configuration: %w", err)
	}
	cfg.Floor = floor
	var err error
	if n.Config, err = json.Marshal(cfg); err != nil {
		return fmt.Errorf("configure it: %w", err)
	}
	s.Define(n)
	return nil
}
