package fault

import (
	"context"
	"time"

	"deadair/fakes/objectstore"
	"deadair/harness/scenario"
)

// slowStore is how much longer each request takes at a slow store. It competes with
// deadlines, and those are not scaled.
const slowStore = 2 * time.Second

// store has the object store fail, in the way that the step names. Healing has it work
// again.
func store(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	return tellAll(ctx, s, []string{"store"}, "fault", objectstore.State{Fault: objectstore.Fault(step.Answer), Delay: slowStore})
}
