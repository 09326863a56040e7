package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Generations of recorders, while a new one is rolled out.
const (
	OldRecorders = "old"
	NewRecorders = "new"
)

// OwnApp is the persona of the platform's own app; all others are third parties'.
const OwnApp = "app"

// Cohorts is whose shows can be led to the new recorders; all others go to the old ones.
func Cohorts() []string {
	return []string{"nobody", "pro-third-party", "third-party", "pro", "everybody"}
}

// Plans are the plans that accounts can have.
func Plans() []string { return []string{"free", "pro"} }

// Led tells in words where shows that begin go while a cohort is led to the new recorders.
func Led(cohort string) string {
	who := map[string]string{
		"pro-third-party": "shows of PRO accounts with third-party apps", "third-party": "shows with third-party apps", "pro": "shows of PRO accounts",
	}[cohort]
	switch cohort {
	case "nobody":
		return "all shows that begin go to the old recorders"
	case "everybody":
		return "all shows that begin go to the new recorders"
	}
	return who + " that begin go to the new recorders, all others to the old ones"
}

// In tells whether a broadcaster is of a cohort.
func (b Broadcaster) In(cohort string) bool {
	switch cohort {
	case "pro-third-party":
		return b.Plan == "pro" && b.Persona != OwnApp
	case "third-party":
		return b.Persona != OwnApp
	case "pro":
		return b.Plan == "pro"
	}
	return cohort == "everybody"
}

// Generation is the generation of a recorder: the first Old ones of each datacenter are
// the old ones. It is "" when there is only one.
func (s System) Generation(recorder string) string {
	if s.Old == 0 {
		return ""
	}
	for _, dc := range s.Datacenters {
		for i := range min(s.Old, dc.Recorders) {
			if recorder == fmt.Sprintf("%s/recorder-%d", dc.Name, i+1) {
				return OldRecorders
			}
		}
	}
	return NewRecorders
}

// old is how many recorders of each datacenter are old ones.
func (b *builder) old(s SystemSpec, sites []Datacenter) int {
	n := or(s.Old, 0)
	for _, dc := range sites {
		if s.Old != nil && (n < 1 || n >= dc.Recorders) {
			b.add(s.Pos, "old-recorders is %d: from 1 to %d, for %s has %d and needs a new one", n, dc.Recorders-1, dc.Name, dc.Recorders)
			return 0
		}
	}
	return n
}

// rollout are the balancers, which a step tells whom to lead to the new recorders.
func (b *builder) rollout(s StepSpec) []string {
	if or(b.spec.Old, 0) == 0 {
		b.add(s.Pos, "there are no old recorders and no new ones: give the system some, such as old-recorders: 1")
	}
	return slices.DeleteFunc(slices.Clone(b.cast.servers), func(n string) bool { return !strings.Contains(n, "/balancer-") })
}

// plan is the plan of a group's accounts.
func (b *builder) plan(g Group) string {
	if g.Plan.Value != "" && b.spec.Accounts.Value == "" {
		b.add(g.Plan.Pos, "nobody tells balancers the plan of an account: give the system an account service, such as accounts: us-east")
	}
	return g.Plan.Value
}
