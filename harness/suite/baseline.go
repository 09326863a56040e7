package suite

import (
	"path/filepath"

	"deadair/harness/scenario"
	"deadair/reports"
)

// ReadSummary reads summary.json at the root of a run.
func ReadSummary(root string) (reports.Summary, error) {
	var s reports.Summary
	return s, readJSON(filepath.Join(root, "summary.json"), &s)
}

// ofPlan is the run of the same variant in the same world, or nil.
func ofPlan(base *reports.Summary, p *scenario.Plan) *reports.Run {
	if base == nil {
		return nil
	}
	for i, r := range base.Runs {
		if r.Scenario == p.Scenario && r.Variant == p.Variant && r.World == p.World {
			return &base.Runs[i]
		}
	}
	return nil
}
