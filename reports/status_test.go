package reports

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func runs() Summary {
	run := func(scenario, date, variant, world, expected, verdict string, good bool, failed ...string) Run {
		r := Run{Scenario: scenario, Title: "On " + scenario, Date: date, Variant: variant, World: world, Expected: expected, Verdict: verdict, AsExpected: good,
			Events: 10, Dir: scenario + "/" + variant + "." + world, DeadAirS: 80.3, WallS: 3.2, Cause: "Because of " + variant + ".", Replay: "deadair replay " + scenario}
		for _, f := range failed {
			r.Properties = append(r.Properties, Property{Name: f, Verdict: "fail"})
		}
		return r
	}
	broken := run("b", "", "today", "loopback", "pass", "inconclusive", false)
	broken.Error, broken.Events = "could not listen", 0
	return Summary{Schema: 1, WallS: 12.5, Runs: []Run{
		run("a", "", "today", "virtual", "pass", "pass", true),
		run("c", "2014-10-02", "as-it-was", "virtual", "fail:dead-air", "fail", true, "dead-air"),
		run("c", "2014-10-02", "today", "virtual", "pass", "fail", false, "dead-air", "untouched"),
		run("c", "2014-10-02", "today", "loopback", "pass", "inconclusive", false),
		run("b", "", "today", "virtual", "pass", "pass", true), broken,
		run("d", "2014-12-17", "today", "virtual", "pass", "pass", true),
	}}
}

// TestTheIndexShowsFirstWhatToLookAt.
func TestTheIndexShowsFirstWhatToLookAt(t *testing.T) {
	x := newStatus(runs(), nil)
	require.Equal(t, "4 of 7 runs as expected: 1 not as expected, 1 inconclusive, 1 not carried out", x.Headline)
	require.Equal(t, "bad", x.Class)
	require.Equal(t, []string{"virtual", "loopback"}, x.Worlds)
	var order []string
	for _, s := range x.Scenarios {
		for _, r := range s.Rows {
			order = append(order, s.Name+" "+r.Variant)
		}
	}
	require.Equal(t, []string{"b today", "c today", "c as-it-was", "d today", "a today"}, order, "broken, failed, then by date")
	var bad []string
	for _, b := range x.Bad {
		bad = append(bad, b.Run.Dir+" "+b.Stamp.Text+" "+b.Link)
	}
	require.Equal(t, []string{"b/today.loopback not carried out ", "c/today.virtual not as expected c/today.virtual/report.html", "c/today.loopback inconclusive c/today.loopback/report.html"}, bad)
}

// TestTheMatrix has a cell for each variant in each world.
func TestTheMatrix(t *testing.T) {
	x := newStatus(runs(), nil)
	c := x.Scenarios[1].Rows
	require.Equal(t, indexCell{Run: c[0].Cells[0].Run, Stamp: Stamp{"bad", "✗", "not as expected"}, Link: "c/today.virtual/report.html", Found: "fail", Failed: "dead-air, untouched", Dead: "80.3 s", Wall: "3.20 s"}, c[0].Cells[0])
	require.Equal(t, "unclear", c[0].Cells[1].Stamp.Class)
	require.Nil(t, c[1].Cells[1].Run, "not played")
	text := written(t, writeStatus, runs())
	for _, s := range []string{`href="c/as-it-was.virtual/report.html"`, "✓ fail", "expected fail:dead-air", "dead air 80.3 s", "wall 3.20 s", "not played", "could not listen", "Because of today.", "deadair replay c", `href="junit.xml"`} {
		require.Contains(t, text, s)
	}
	require.NotContains(t, text, `href="b/today.loopback/report.html"`, "there is no such page")
	require.Less(t, strings.Index(text, "could not listen"), strings.Index(text, "<table"))
}

func TestIndexOfAllWellAndOfNothing(t *testing.T) {
	s := runs()
	s.Runs = s.Runs[:2]
	require.Equal(t, "good", newStatus(s, nil).Class)
	require.NotContains(t, written(t, writeStatus, s), "Again:")
	require.Equal(t, "unclear", newStatus(Summary{}, nil).Class, "nothing proves nothing")
}

func TestGoldenStatus(t *testing.T) { golden(t, "status.html", written(t, writeStatus, runs())) }

// writeStatus writes the page with nothing set beside it.
func writeStatus(w io.Writer, s Summary) error { return WriteStatus(w, s, nil) }
