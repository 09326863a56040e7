package fault

import (
	"context"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// powercut is a kill that also loses what was written and not synced. Healing starts the nodes again.
func powercut(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	return onNodes(ctx, s, step, world.Powercut, start)
}
