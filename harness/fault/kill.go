package fault

import (
	"context"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// kill ends nodes at once: connections reset, ports refuse, disks stay. Healing starts them again.
func kill(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	return onNodes(ctx, s, step, world.Kill, start)
}
