package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

// summary is three runs, the last of which could not be carried out.
func summary() Summary {
	f := scene()
	r := NewRun(Judged{Plan: f.plan, Events: f.history(), Verdict: verdict()})
	r.WallS, r.Events, r.Hash, r.Dir = 3.25, 729, "330131ee", "film/as-it-was.virtual"
	good := NewRun(Judged{Plan: newFilm("rome-1").plan, Verdict: check.Verdict{Result: check.Pass, AsExpected: true, Properties: []check.Property{{Name: "evidence", Result: check.Pass, Sentence: "the run is complete"}}}})
	good.World, good.Dir, good.Events = "loopback", "film/today.loopback", 12
	broken := NewRun(Judged{Plan: newFilm("rome-1").plan})
	broken.Variant, broken.Error = "control", "the harness broke"
	return Summary{Schema: 1, Started: time.Date(2026, 11, 24, 1, 2, 3, 500, time.UTC), Seed: 1<<64 - 1, WallS: 6.5, Runs: []Run{r, good, broken}, Scenarios: []About{NewAbout(f.plan)}}
}

func written(t *testing.T, write func(io.Writer, Summary) error, s Summary) string {
	var b bytes.Buffer
	require.NoError(t, write(&b, s))
	return b.String()
}

// TestGoldenSummary is the form that other programs read: it is only ever added to.
func TestGoldenSummary(t *testing.T) {
	text := written(t, WriteJSON, summary())
	golden(t, "summary.json", text)
	var back Summary
	require.NoError(t, json.Unmarshal([]byte(text), &back))
	require.Equal(t, summary(), back)
}

// TestFieldsOfTheSummary names those that are promised.
func TestFieldsOfTheSummary(t *testing.T) {
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(written(t, WriteJSON, summary())), &doc))
	has := func(m map[string]any, names ...string) {
		for _, n := range names {
			require.Contains(t, m, n)
		}
	}
	has(doc, "schema", "started", "seed", "wall_s", "runs")
	for _, r := range doc["runs"].([]any) {
		run := r.(map[string]any)
		has(run, "scenario", "date", "variant", "world", "expected", "verdict", "as_expected", "properties", "dead_air_s", "recovery_s", "incident_s", "wall_s", "events", "history_sha256", "dir")
		require.Contains(t, []any{"pass", "fail", "inconclusive"}, run["verdict"])
		for _, p := range run["properties"].([]any) {
			has(p.(map[string]any), "name", "verdict", "sentence", "first_event")
		}
	}
}

func TestNoListIsNull(t *testing.T) {
	text := written(t, WriteJSON, Summary{Runs: []Run{{}}})
	require.Contains(t, text, `"properties": []`)
	require.Contains(t, written(t, WriteJSON, Summary{}), `"runs": []`)
}

func TestHowExpectationsAreSpelled(t *testing.T) {
	p := newFilm("a").plan
	require.Equal(t, "pass", NewRun(Judged{Plan: p}).Expected)
	p.Want = scenario.Want{Fail: []string{"dead-air", "health-honest"}}
	r := NewRun(Judged{Plan: p})
	require.Equal(t, "fail:dead-air,health-honest", r.Expected)
	require.Equal(t, "inconclusive", r.Verdict, "what was not judged proves nothing")
}

func TestCounts(t *testing.T) {
	s := summary()
	require.Equal(t, "2 of 3 runs as expected: 1 not carried out", s.tally().String())
	s.Runs[0].AsExpected = false
	s.Runs[1].AsExpected, s.Runs[1].Verdict = false, "inconclusive"
	require.Equal(t, "0 of 3 runs as expected: 1 not as expected, 1 inconclusive, 1 not carried out", s.tally().String())
	require.Equal(t, "1 of 1 run as expected", Summary{Runs: []Run{{AsExpected: true}}}.tally().String())
}

type brokenDisk struct{}

func (brokenDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWritersTellThatTheyCouldNot(t *testing.T) {
	for _, write := range []func(io.Writer, Summary) error{WriteJSON, WriteJUnit, WriteMarkdown, writeStatus} {
		require.ErrorContains(t, write(brokenDisk{}, summary()), "disk full")
	}
	require.ErrorContains(t, WritePage(brokenDisk{}, scene().page()), "write page: disk full")
}
