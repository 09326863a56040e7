package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"deadair/reports"
)

// summarized leaves a folder with the summary of one run.
func (x *tool) summarized(t *testing.T, dir string, r reports.Run) {
	t.Helper()
	var b bytes.Buffer
	r.Scenario, r.Variant, r.World, r.Expected = "s", "today", "virtual", "pass"
	require.NoError(t, reports.WriteJSON(&b, reports.Summary{Schema: 1, Runs: []reports.Run{r}}))
	require.NoError(t, os.MkdirAll(filepath.Join(x.dir, dir), 0o755))
	x.file(t, filepath.Join(dir, "summary.json"), b.String())
}

func TestCompareExitCodes(t *testing.T) {
	x := newTool(t)
	good := reports.Run{Verdict: "pass", AsExpected: true, Plan: "p", Checker: "one"}
	fails, unclear, broken, other := good, good, good, good
	fails.Verdict, fails.AsExpected = "fail", false
	unclear.Verdict, unclear.AsExpected = "inconclusive", false
	broken.AsExpected, broken.Error = false, "no room"
	other.Plan = "q"
	for name, r := range map[string]reports.Run{"good": good, "fails": fails, "unclear": unclear, "broken": broken, "other": other} {
		x.summarized(t, name, r)
	}
	for _, c := range []struct {
		a, b string
		code int
		says string
	}{
		{"good", "good", exitOK, "1 alike"},
		{"good", "fails", exitDiffers, "1 new"},
		{"fails", "good", exitOK, "1 fixed"},
		{"fails", "fails", exitOK, "1 still failing"},
		{"good", "unclear", exitInconclusive, "1 new"},
		{"good", "broken", exitHarness, "1 new"},
		{"good", "other", exitInconclusive, "No run of A can be compared"},
	} {
		r := x.run(t, "compare", c.a, c.b)
		require.Equal(t, c.code, r.code, "%s %s: %s%s", c.a, c.b, r.out, r.err)
		require.Contains(t, r.out, c.says)
		require.Empty(t, r.err)
	}
	r := x.run(t, "compare", "--json", "good", "fails", "--html", "fails/compare.html")
	require.Equal(t, exitDiffers, r.code)
	require.Contains(t, r.out, `"new": [`)
	require.Contains(t, r.out, `"name": "fails"`)
	require.Contains(t, x.read(t, "fails/compare.html"), "1 new")
	require.Equal(t, exitHarness, x.run(t, "compare", "good", "good", "--html", "no/such/folder.html").code)
}

// TestBaselineIsToldOnThePages: what changed since, on the status page.
func TestBaselineIsToldOnThePages(t *testing.T) {
	x := newTool(t)
	args := []string{"replay", example(t, "codes.yaml"), "--variant", "passes", "--world", "virtual"}
	require.Zero(t, x.run(t, append(args, "--out", "then")...).code)
	r := x.run(t, append(args, "--out", "now", "--baseline", "then")...)
	require.Zero(t, r.code, r.err)
	require.Contains(t, x.read(t, "now/index.html"), "Since the baseline")
	require.NotContains(t, x.read(t, "then/index.html"), "Since the baseline")
	require.Zero(t, x.run(t, "report", "then", "--baseline", "now").code)
	require.Contains(t, x.read(t, "then/index.html"), "Since the baseline")
	r = x.run(t, "compare", "then", "now")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "1 alike")
}
