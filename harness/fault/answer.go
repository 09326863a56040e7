package fault

import (
	"context"

	"deadair/fakes/web"
	"deadair/harness/scenario"
)

// answer has web servers answer one status to everything. Healing has them work again.
func answer(ctx context.Context, s Site, step scenario.Step) (Active, error) {
	return tellAll(ctx, s, step.Nodes, "answer", web.State{Status: step.Status})
}
