package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

func failing(name string, findings ...string) check.Property {
	pr := check.Property{Name: name, Result: check.Fail, Sentence: "the sentence of " + name}
	for _, s := range findings {
		pr.Findings = append(pr.Findings, check.Finding{Sentence: s, Subject: s})
	}
	return pr
}

// TestHeadline is the one sentence that everybody reads.
func TestHeadline(t *testing.T) {
	lie := failing("health-honest", "b was called healthy for 10m (7m allowed)")
	dead := check.Property{Name: "dead-air", Result: check.Fail, Findings: []check.Finding{{Subject: "rome-1"}, {Subject: "rome-1"}, {Subject: "rome-2"}, {Subject: "rome-3"}}}
	lost := []check.Dead{
		{Broadcaster: "rome-9", Total: time.Hour}, // not too much, says the judge
		{Broadcaster: "rome-1", Total: 20 * time.Second, Avoidable: 14 * time.Second},
		{Broadcaster: "rome-2", Total: 80 * time.Second, Avoidable: 60 * time.Second},
	}
	unclear := check.Property{Name: "evidence", Result: check.Inconclusive, Findings: []check.Finding{{Sentence: "step-1 touched nothing"}, {Sentence: "more"}}}
	fails := scenario.Want{Fail: []string{"dead-air", "health-honest"}}
	passes := scenario.Want{Pass: true}
	old := scenario.Plan{Legacy: []string{"redis-client"}, Want: fails, Steps: make([]scenario.Step, 2)}
	bad := scenario.Plan{Mutant: "relay-loses", Legacy: []string{"redis-client"}, Want: fails}
	cases := map[string]struct {
		plan scenario.Plan
		v    check.Verdict
		want string
	}{
		"as in 2014": {old, check.Verdict{Result: check.Fail, AsExpected: true, Properties: []check.Property{dead, lie}, Dead: lost},
			"Failed as it did in 2014: b was called healthy for 10m; rome-2 lost 80.0 s of its show, 60.0 s of it avoidable, and 2 more lost too much."},
		"a mutant": {bad, check.Verdict{Result: check.Fail, AsExpected: true, Properties: []check.Property{failing("recording-intact", "frames are twice on disk", "x", "y")}},
			"Broken on purpose (relay-loses), and caught: frames are twice on disk (and 2 more)."},
		"by its configuration": {scenario.Plan{Want: fails}, check.Verdict{Result: check.Fail, AsExpected: true, Properties: []check.Property{lie}},
			"Failed as it must: b was called healthy for 10m."},
		"a regression": {scenario.Plan{Want: passes}, check.Verdict{Result: check.Fail, Properties: []check.Property{failing("untouched", "u"), failing("single-writer", "two writers"), dead, failing("pool-converges")}, Dead: lost},
			"Failed: it does not hold that the sentence of pool-converges; two writers; and 2 more properties."},
		"two properties that say the same": {scenario.Plan{Want: passes}, check.Verdict{Result: check.Fail, Properties: []check.Property{failing("untouched", "u"), failing("untouched", "u")}},
			"Failed: u."},
		"otherwise": {old, check.Verdict{Result: check.Fail, Properties: []check.Property{lie, unclear}},
			"Failed in another way than expected: b was called healthy for 10m."},
		"not as in 2014": {old, check.Verdict{Result: check.Pass},
			"Did not fail as it did in 2014: every property held, although dead-air and health-honest must fail."},
		"a mutant that lives": {bad, check.Verdict{Result: check.Pass},
			"Broken on purpose (relay-loses), and nothing noticed it: every property held, although dead-air and health-honest must fail."},
		"no failure": {scenario.Plan{Want: fails}, check.Verdict{Result: check.Pass},
			"Did not fail as it must: every property held, although dead-air and health-honest must fail."},
		"inconclusive": {old, check.Verdict{Result: check.Inconclusive, Properties: []check.Property{unclear}},
			"Nothing is proven: step-1 touched nothing."},
		"inconclusive, with a failure": {old, check.Verdict{Result: check.Inconclusive, Properties: []check.Property{lie, unclear}},
			"Nothing is proven: step-1 touched nothing; what was seen: b was called healthy for 10m."},
		"not judged": {old, check.Verdict{Result: check.Inconclusive}, "Nothing is proven: nothing was judged."},
		"all well": {scenario.Plan{Want: passes, Steps: make([]scenario.Step, 1)}, check.Verdict{Result: check.Pass, AsExpected: true, Dead: []check.Dead{{Broadcaster: "a", Total: 3 * time.Second}}},
			"Every property held through 1 step, and the worst broadcaster, a, lost 3.00 s, none of it avoidable."},
		"well enough": {scenario.Plan{Want: passes, Steps: make([]scenario.Step, 2)}, check.Verdict{Result: check.Pass, AsExpected: true, Dead: lost},
			"Every property held through 2 steps, and the worst broadcaster, rome-9, lost 1 h."},
		"a control": {scenario.Plan{Want: passes}, check.Verdict{Result: check.Pass, AsExpected: true, Dead: []check.Dead{{Broadcaster: "a"}}},
			"Nothing was broken, every property held, and nobody lost a second of a show."},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, headline(&c.plan, c.v))
		})
	}
}
