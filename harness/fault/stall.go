package fault

import (
	"context"

	"deadair/harness/scenario"
)

// stall withholds bytes on some links; healing delivers them.
func stall(_ context.Context, s Site, step scenario.Step) (Active, error) {
	return onLinks(s, step)
}
