package fault

import (
	"context"

	"deadair/harness/scenario"
	"deadair/harness/world"
)

// drop ends the connections of some broadcasters from their own side, as a
// failing home network does. Their clients decide when to come back.
func drop(_ context.Context, s Site, step scenario.Step) (Active, error) {
	var hit world.Touched
	for _, b := range step.Who {
		if s.DropBroadcaster(b) {
			hit.Conns++
		}
	}
	return over{hit}, nil
}
