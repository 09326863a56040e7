package fault

import (
	"context"

	"deadair/harness/scenario"
)

// delay adds latency to some links, one way.
func delay(_ context.Context, s Site, step scenario.Step) (Active, error) {
	return onLinks(s, step)
}
