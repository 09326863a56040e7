package reports

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func junit(t *testing.T, s Summary) junitSuites {
	text := written(t, WriteJUnit, s)
	require.True(t, strings.HasPrefix(text, xml.Header))
	var back junitSuites
	require.NoError(t, xml.Unmarshal([]byte(text), &back))
	return back
}

// TestJUnitIsReadBack: a suite per scenario and world, whatever the order of the
// runs, with counts that add up.
func TestJUnitIsReadBack(t *testing.T) {
	first := 4
	run := func(variant, world, verdict string, asExpected bool, err string) Run {
		return Run{Scenario: "film", Variant: variant, World: world, Expected: "pass", Verdict: verdict, AsExpected: asExpected, Error: err, WallS: 1.5, Replay: "deadair replay film", Dir: "film/" + variant,
			Cause: "Failed: u.", Properties: []Property{{Name: "dead-air", Verdict: verdict, Sentence: "nothing is missing", FirstEvent: &first}, {Name: "evidence", Verdict: "pass", Sentence: "complete"}}}
	}
	s := Summary{Seed: 7, WallS: 9, Runs: []Run{
		run("today", "virtual", "pass", true, ""), run("today", "loopback", "inconclusive", false, ""),
		run("old", "virtual", "fail", false, ""), run("old", "loopback", "pass", false, "broke"), run("new", "virtual", "inconclusive", false, ""),
	}}
	doc := junit(t, s)
	require.Len(t, doc.Suites, 2)
	require.Equal(t, []int{5, 2, 1, 1}, []int{doc.Tests, doc.Failures, doc.Errors, doc.Skipped})
	require.Equal(t, "9.000", doc.Time)
	virtual, loopback := doc.Suites[0], doc.Suites[1]
	require.Equal(t, "film (virtual)", virtual.Name)
	require.Equal(t, "4.500", virtual.Time)
	require.Equal(t, []int{3, 2, 0, 0}, []int{virtual.Tests, virtual.Failures, virtual.Errors, virtual.Skipped})
	require.Equal(t, []int{2, 0, 1, 1}, []int{loopback.Tests, loopback.Failures, loopback.Errors, loopback.Skipped})
	require.Equal(t, []junitProperty{{"seed", "7"}, {"world", "virtual"}}, virtual.Properties)

	good, old, unclear := virtual.Cases[0], virtual.Cases[1], virtual.Cases[2]
	require.Equal(t, []string{"film.virtual", "today", "1.500", "deadair replay film"}, []string{good.Class, good.Name, good.Time, good.Out})
	require.True(t, good.Failure == nil && good.Error == nil && good.Skipped == nil)
	require.Equal(t, "fail:dead-air, expected pass", old.Failure.Message)
	require.Equal(t, "Failed: u.\ndead-air: fail: nothing is missing (first bad event: #4)\nreport: film/old/report.html\nagain: deadair replay film\n", old.Failure.Text)
	require.NotNil(t, unclear.Failure, "in virtual time nothing is left to chance")
	require.NotNil(t, loopback.Cases[0].Skipped)
	require.Contains(t, loopback.Cases[1].Error.Text, "error: broke")
}

func TestJUnitOfHostileNames(t *testing.T) {
	var s Summary
	names := append([]string{"]]>", "\x00\x1b[31m", "\"'&<>"}, hostile...)
	for _, n := range names {
		s.Runs = append(s.Runs, Run{Scenario: n, Variant: n, World: n, Error: n, Verdict: "inconclusive", Replay: n})
	}
	doc := junit(t, s)
	require.Len(t, doc.Suites, len(names))
	for i, n := range names {
		if n != "\x00\x1b[31m" { // XML has no way to write these
			require.Equal(t, n, doc.Suites[i].Cases[0].Name)
		}
	}
}
