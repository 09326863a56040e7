package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

// maxClauses bounds the causes that a headline tells.
const maxClauses = 2

// headline is what happened, and why, in one sentence.
func headline(p *scenario.Plan, v check.Verdict) string {
	switch {
	case v.Result == check.Pass && v.AsExpected:
		return held(p, v) + "."
	case v.Result == check.Pass:
		return missed(p) + "."
	case v.Result == check.Fail:
		return how(p, v) + ": " + causes(v, check.Fail) + "."
	case len(failures(v)) > 0:
		return "Nothing is proven: " + causes(v, check.Inconclusive) + "; what was seen: " + causes(v, check.Fail) + "."
	}
	return "Nothing is proven: " + cmp.Or(causes(v, check.Inconclusive), "nothing was judged") + "."
}

// how says what kind of failure it is.
func how(p *scenario.Plan, v check.Verdict) string {
	switch {
	case !v.AsExpected && !p.Want.Pass:
		return "Failed in another way than expected"
	case !v.AsExpected:
		return "Failed"
	case p.Mutant != "":
		return "Broken on purpose (" + p.Mutant + "), and caught"
	case len(p.Legacy) > 0:
		return "Failed as it did in 2014"
	}
	return "Failed as it must"
}

// missed says what did not fail and should have.
func missed(p *scenario.Plan) string {
	lack := "every property held, although " + strings.Join(p.Want.Fail, " and ") + " must fail"
	switch {
	case p.Mutant != "":
		return "Broken on purpose (" + p.Mutant + "), and nothing noticed it: " + lack
	case len(p.Legacy) > 0:
		return "Did not fail as it did in 2014: " + lack
	}
	return "Did not fail as it must: " + lack
}

// held sums up a run in which nothing went wrong.
func held(p *scenario.Plan, v check.Verdict) string {
	var worst check.Dead
	avoidable := false
	for _, d := range v.Dead {
		avoidable = avoidable || d.Avoidable > 0
		if d.Total > worst.Total {
			worst = d
		}
	}
	lost := "nobody lost a second of a show"
	if worst.Total > 0 {
		lost = fmt.Sprintf("the worst broadcaster, %s, lost %s", worst.Broadcaster, span(worst.Total))
		if !avoidable {
			lost += ", none of it avoidable"
		}
	}
	if len(p.Steps) == 0 {
		return "Nothing was broken, every property held, and " + lost
	}
	return fmt.Sprintf("Every property held through %s, and %s", plural(len(p.Steps), "step"), lost)
}

// causes tells of the properties with a result, causes before consequences.
func causes(v check.Verdict, r check.Result) string {
	var bad []check.Property
	for _, pr := range v.Properties {
		if pr.Result == r {
			bad = append(bad, pr)
		}
	}
	order := []string{"evidence", "nearest-datacenter", "available-server", "capacity-respected", "health-honest", "fault-weighed", "cross-datacenter-failover", "pool-converges", "returns-to-pool", "single-writer", "sticky-reconnect",
		"no-unexplained-disconnect", "recording-intact", "dead-air", "untouched"}
	slices.SortStableFunc(bad, func(a, b check.Property) int {
		return cmp.Compare(slices.Index(order, a.Name), slices.Index(order, b.Name))
	})
	var clauses []string
	for _, pr := range bad {
		if c := clause(v, pr); !slices.Contains(clauses, c) {
			clauses = append(clauses, c)
		}
	}
	if more := len(clauses) - maxClauses; more > 0 {
		noun := map[bool]string{true: "property", false: "properties"}[more == 1]
		clauses = append(clauses[:maxClauses], fmt.Sprintf("and %d more %s", more, noun))
	}
	return strings.Join(clauses, "; ")
}

// clause is one property's cause.
func clause(v check.Verdict, pr check.Property) string {
	if len(pr.Findings) == 0 {
		return "it does not hold that " + pr.Sentence
	}
	if pr.Name == "dead-air" && pr.Result == check.Fail {
		if c := deadClause(v, pr); c != "" {
			return c
		}
	}
	c := shortened(pr.Findings[0].Sentence)
	if more := len(pr.Findings) - 1; more > 0 && pr.Result == check.Fail {
		c += fmt.Sprintf(" (and %s more)", number(more))
	}
	return c
}

// deadClause tells of the worst of those who lost too much.
func deadClause(v check.Verdict, pr check.Property) string {
	subjects := map[string]bool{}
	for _, f := range pr.Findings {
		subjects[f.Subject] = true
	}
	var worst check.Dead
	for _, d := range v.Dead {
		if subjects[d.Broadcaster] && d.Total > worst.Total {
			worst = d
		}
	}
	if worst.Broadcaster == "" {
		return ""
	}
	c := fmt.Sprintf("%s lost %s of its show, %s of it avoidable", worst.Broadcaster, span(worst.Total), span(worst.Avoidable))
	if more := len(subjects) - 1; more > 0 {
		c += fmt.Sprintf(", and %s more lost too much", number(more))
	}
	return c
}

// shortened leaves out what stands in brackets at the end of a finding: the
// arithmetic and the files, which the table of findings has.
func shortened(s string) string {
	s = strings.TrimSuffix(s, ".")
	if i := strings.LastIndex(s, " ("); i > 0 && strings.HasSuffix(s, ")") {
		s = s[:i]
	}
	return s
}

func failures(v check.Verdict) []check.Property {
	return slices.DeleteFunc(slices.Clone(v.Properties), func(pr check.Property) bool { return pr.Result != check.Fail })
}
