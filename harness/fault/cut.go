package fault

import (
	"context"

	"deadair/harness/scenario"
)

// cut resets the connections that exist on some links, once; new ones are fine.
func cut(_ context.Context, s Site, step scenario.Step) (Active, error) {
	return onLinks(s, step)
}
