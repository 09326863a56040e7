package fault

import (
	"context"

	"deadair/harness/scenario"
)

// blackhole swallows bytes on some links; connections it hit never carry again.
func blackhole(_ context.Context, s Site, step scenario.Step) (Active, error) {
	return onLinks(s, step)
}
