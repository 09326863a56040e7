package reports

import (
	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Judged is a run that was played and judged, with all that is known of it.
type Judged struct {
	Plan        *scenario.Plan
	Events      []history.Event // sorted as history.Sort does
	Verdict     check.Verdict   // the one that check.Judge gave it
	Source      []byte          // the scenario file; may be nil
	Environment *Environment    // nil: not known
	Baseline    *Run            // the same variant in the same world, of another time; nil: none is given
}
