package fault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/balancer"
	"deadair/harness/scenario"
)

// TestRoutesOfCohorts: what balancers are told is what a plan means.
func TestRoutesOfCohorts(t *testing.T) {
	for _, cohort := range scenario.Cohorts() {
		for _, plan := range []string{"pro", "free"} {
			for apps, persona := range map[string]string{"own": scenario.OwnApp, "third-party": "butt"} {
				var to string
				for _, r := range routes(cohort) {
					if to == "" && (r.Plan == "" || r.Plan == plan) && (r.Apps == "" || r.Apps == apps) {
						to = r.To
					}
				}
				led := scenario.Broadcaster{Plan: plan, Persona: persona}.In(cohort)
				require.Equal(t, map[bool]string{true: scenario.NewRecorders, false: scenario.OldRecorders}[led], to, "%s: %s, %s", cohort, plan, apps)
			}
		}
	}
	require.Equal(t, []balancer.Route{{To: "old"}}, routes("nobody"))
}
