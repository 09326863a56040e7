package fault

import (
	"context"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// pause freezes nodes: the kernel goes on accepting, nobody answers. Healing lets them go on.
func pause(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	return onNodes(ctx, s, step, world.Pause, func(ctx context.Context, s Site, node string) error {
		if !s.World().Running(node) {
			return nil // a later step ended it
		}
		return s.World().Signal(ctx, node, world.Resume)
	})
}
