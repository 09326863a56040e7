package reports

import (
	"cmp"
	"fmt"
	"slices"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

// Check is one property as judged.
type Check struct {
	Name, Result, Sentence, Limit, Measured string
	Findings                                []Finding
	More                                    int  // findings not shown
	First                                   *int // the first bad event; listed

	found []check.Finding
}

// Finding is one piece of evidence.
type Finding struct {
	Anchor                string // f-dead-air-1
	At, Subject, Sentence string
	Events                []int // all of them are listed
	More                  int   // events not shown
}

// Limits of what a page shows of a property.
const (
	maxFindings = 8
	maxEvidence = 12 // events of a finding
)

// checks lists the properties, failed ones first, and tells which of n events are their evidence.
func checks(p *scenario.Plan, v check.Verdict, n int) ([]Check, map[int]bool) {
	var all []Check
	evidence := map[int]bool{}
	for i, pr := range v.Properties {
		c := Check{Name: pr.Name, Result: string(pr.Result), Sentence: pr.Sentence, Limit: pr.Limit, Measured: pr.Measured, found: pr.Findings}
		if pr.FirstEvent != nil && *pr.FirstEvent >= 0 && *pr.FirstEvent < n {
			c.First = pr.FirstEvent
			evidence[*pr.FirstEvent] = true
		}
		shown := pr.Findings[:min(len(pr.Findings), maxFindings)]
		c.More = len(pr.Findings) - len(shown)
		for k, f := range shown {
			row := Finding{Anchor: fmt.Sprintf("f-%s-%d-%d", slug(pr.Name), i+1, k+1), At: instant(p, f.At), Subject: f.Subject, Sentence: f.Sentence}
			known := slices.DeleteFunc(slices.Clone(f.Events), func(e int) bool { return e < 0 || e >= n })
			row.Events = known[:min(len(known), maxEvidence)]
			row.More = len(known) - len(row.Events)
			for _, e := range row.Events {
				evidence[e] = true
			}
			c.Findings = append(c.Findings, row)
		}
		all = append(all, c)
	}
	rank := map[string]int{"fail": 0, "inconclusive": 1, "pass": 2}
	slices.SortStableFunc(all, func(a, b Check) int { return cmp.Compare(rank[a.Result], rank[b.Result]) })
	return all, evidence
}
