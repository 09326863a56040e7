package reports

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair is the summaries of two times. Each run's variant says what becomes of it.
func pair() (a, b Summary) {
	run := func(variant, found string, as bool) Run {
		return Run{Scenario: "s", Variant: variant, World: "virtual", Expected: "pass", Verdict: found, AsExpected: as, Plan: "p", Checker: "one", Cause: "Because.", Replay: "deadair replay s", Dir: "s/" + variant}
	}
	a = Summary{Schema: 1, Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Seed: 1, Runs: []Run{
		run("breaks", "pass", true), run("heals", "fail", false), run("stays", "fail", false), run("same", "pass", true), run("slower", "pass", true),
		run("other-plan", "pass", true), run("other-judge", "pass", true), run("gone", "pass", true), run("unsure", "pass", true),
	}}
	b = Summary{Schema: 1, Started: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), Seed: 1, Environment: &Environment{Commit: "abc"}, Runs: []Run{
		run("breaks", "fail", false), run("heals", "pass", true), run("stays", "fail", false), run("same", "pass", true), run("slower", "pass", true),
		run("other-plan", "pass", true), run("other-judge", "fail", false), run("fresh", "pass", true), run("unsure", "inconclusive", false),
	}}
	b.Runs[0].Properties = []Property{{Name: "dead-air", Verdict: "fail"}}
	a.Runs[3].DeadAirS, b.Runs[3].DeadAirS = 10, 10.9
	a.Runs[4].DeadAirS, b.Runs[4].DeadAirS = 2, 9
	b.Runs[5].Plan, b.Runs[6].Checker = "q", "two"
	return a, b
}

func variants(all []Change) (names []string) {
	for _, x := range all {
		names = append(names, x.Variant)
	}
	return names
}

func TestCompareSortsWhatChanged(t *testing.T) {
	c := Compare(pair())
	require.Equal(t, []string{"breaks", "unsure"}, variants(c.New))
	require.Equal(t, []string{"heals"}, variants(c.Fixed))
	require.Equal(t, []string{"stays"}, variants(c.Still))
	require.Equal(t, []string{"other-judge", "other-plan", "fresh", "gone"}, variants(c.NotComparable), "what fails comes first")
	require.Equal(t, []string{"slower"}, variants(c.Shifts))
	require.Equal(t, 1, c.Alike)
	require.Equal(t, []string{"breaks", "unsure", "other-judge"}, variants(c.Worse()))
	require.Equal(t, "2 new, 1 still failing, 1 fixed, 4 not comparable, 1 shifted, 1 alike", c.Headline())
	require.Equal(t, "2.00 s → 9.00 s (+7.00 s)", c.Shifts[0].Dead())
	require.Equal(t, "pass → fail:dead-air, expected pass", c.New[0].Turn())
	why := map[string]string{}
	for _, x := range c.NotComparable {
		why[x.Variant] = x.Why
	}
	require.Equal(t, map[string]string{
		"other-plan": "what is played or expected changed", "other-judge": "judged by version one of the checker then, by two now: deadair check judges a folder again",
		"fresh": "A has no such run", "gone": "B has no such run",
	}, why)
}

// TestCompareTellsWhatIsBadInAnotherWay, so that a run that was bad once hides nothing.
func TestCompareTellsWhatIsBadInAnotherWay(t *testing.T) {
	run := func(verdict, failed string) Run {
		r := Run{Scenario: "s", Variant: "v", World: "virtual", Expected: "pass", Verdict: verdict, AsExpected: verdict == "pass", Plan: "p", Checker: "one"}
		for _, name := range strings.Fields(failed) {
			r.Properties = append(r.Properties, Property{Name: name, Verdict: "fail"})
		}
		return r
	}
	unclear, one, two, broken := run("inconclusive", ""), run("fail", "a"), run("fail", "a b"), Run{Scenario: "s", Variant: "v", World: "virtual", Plan: "p", Checker: "one", Error: "no port"}
	for name, c := range map[string]struct {
		was, is Run
		fresh   bool
	}{
		"unclear, and fails": {unclear, one, true}, "fails by one more": {one, two, true}, "fails by another": {one, run("fail", "b"), true}, "fails, and does not run": {one, broken, true},
		"the same": {one, one, false}, "fails by one less": {two, one, false}, "failed, and is unclear": {one, unclear, false}, "did not run, and fails": {broken, one, false},
	} {
		t.Run(name, func(t *testing.T) {
			found := Compare(Summary{Runs: []Run{c.was}}, Summary{Runs: []Run{c.is}})
			require.Equal(t, c.fresh, len(found.New) == 1, "%+v", found)
			require.Equal(t, !c.fresh, len(found.Still) == 1)
		})
	}
}

// TestCompareWithItself finds nothing.
func TestCompareWithItself(t *testing.T) {
	a, _ := pair()
	c := Compare(a, a)
	require.Empty(t, c.New)
	require.Empty(t, c.Worse())
	require.True(t, c.Proves())
	require.Equal(t, "2 still failing, 7 alike", c.Headline())
	require.Equal(t, "good", c.Class())
}

func TestNothingComparableProvesNothing(t *testing.T) {
	a, b := pair()
	b.Seed = 2
	for i := range a.Runs {
		a.Runs[i].Plan = "" // written by a version that did not tell
	}
	c := Compare(a, b)
	require.False(t, c.Proves())
	require.Len(t, c.NotComparable, 10)
	require.Equal(t, []string{"The seeds differ (1 and 2): another draw of the same scenarios.", "No run of A can be compared with one of B."}, c.Caveats())
	require.Equal(t, "unclear", Compare(Summary{}, Summary{}).Class())
}

func TestGoldenComparison(t *testing.T) {
	c := Compare(pair())
	c.A.Name, c.B.Name = "out/then", "out/now"
	for name, write := range map[string]func(io.Writer, Comparison) error{
		"compare.txt": WriteComparisonText, "compare.json": WriteComparisonJSON, "compare.html": WriteComparisonPage,
	} {
		golden(t, name, written(t, func(w io.Writer, _ Summary) error { return write(w, c) }, Summary{}))
		require.ErrorContains(t, write(brokenDisk{}, c), "write comparison: ")
	}
}

// TestAComparisonKeepsNamesText, on a page and on a terminal.
func TestAComparisonKeepsNamesText(t *testing.T) {
	a, b := pair()
	for i, n := range hostile {
		b.Runs[i%len(b.Runs)].Scenario, b.Runs[i%len(b.Runs)].Cause = n, n
	}
	c := Compare(a, b)
	page := parsed(t, written(t, func(w io.Writer, _ Summary) error { return WriteComparisonPage(w, c) }, Summary{}))
	require.Subset(t, pageElements, page.elements)
	page.harmless(t)
	c.New = append(c.New, Change{Bad: true, Cause: "\x1b[31mred\nand more"})
	require.NotContains(t, written(t, func(w io.Writer, _ Summary) error { return WriteComparisonText(w, c) }, Summary{}), "\x1b")
	c.New = nil
	list := parsed(t, written(t, func(w io.Writer, s Summary) error { return WriteStatus(w, s, &c) }, b))
	require.Subset(t, pageElements, list.elements)
}
