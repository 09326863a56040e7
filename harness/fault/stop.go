package fault

import (
	"context"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// stop asks nodes to end, as a deployment would. Healing starts them again.
func stop(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	return onNodes(ctx, s, step, world.Stop, start)
}
