package fault

import (
	"context"

	"deadair/harness/scenario"
)

// throttle limits some links to a rate.
func throttle(_ context.Context, s Site, step scenario.Step) (Active, error) {
	return onLinks(s, step)
}
