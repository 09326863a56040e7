package fault

import (
	"context"

	"deadair/harness/scenario"
)

// refuse has dials on some links refused while it lasts.
func refuse(_ context.Context, s Site, step scenario.Step) (Active, error) {
	return onLinks(s, step)
}
