package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/check"
	"deadair/harness/suite"
	"deadair/reports"
)

// summaryOf reads summary.json of a run's folder.
func summaryOf(t *testing.T, x *tool, dir string) reports.Summary {
	t.Helper()
	var s reports.Summary
	require.NoError(t, json.Unmarshal([]byte(x.read(t, dir, "summary.json")), &s))
	return s
}

func TestExitCodes(t *testing.T) {
	x := newTool(t)
	for _, c := range []struct {
		file, variant string
		code          int
		says          string
	}{
		{"codes.yaml", "passes", exitOK, "ok       codes passes (virtual)"},
		{"codes.yaml", "fails", exitOK, "fail:dead-air, expected fail:dead-air"},
		{"codes.yaml", "differs", exitDiffers, "fail:dead-air, expected pass"},
		{"codes.yaml", "unclear", exitInconclusive, "touched nothing"},
		{"codes.yaml", "broken", exitHarness, "start eu-west/recorder-1: it ended before it listened"},
		{"unsure.yaml", "", exitDiffers, "UNCLEAR  unsure unclear (virtual)"}, // 1 beats 3
		{"codes.yaml", "", exitHarness, "2 of 5 as expected"},                 // 4 beats 1
	} {
		t.Run(c.file+" "+c.variant, func(t *testing.T) {
			r := x.run(t, "replay", example(t, c.file), "--world", "virtual", "--variant", c.variant, "--out", "run")
			require.Equal(t, c.code, r.code, "%s%s", r.out, r.err)
			require.Contains(t, r.out, c.says)
			require.Empty(t, r.err)
		})
	}
}

func TestExitCodeOfOneRun(t *testing.T) {
	outcome := func(result check.Result, as bool, err error) suite.Outcome {
		return suite.Outcome{Verdict: check.Verdict{Result: result, AsExpected: as}, Err: err}
	}
	ok := outcome(check.Fail, true, nil)
	differs := outcome(check.Fail, false, nil)
	unclear := outcome(check.Inconclusive, false, nil)
	broken := outcome(check.Inconclusive, false, errors.New("no room"))
	for _, c := range []struct {
		want int
		of   []suite.Outcome
	}{
		{exitOK, nil},
		{exitOK, []suite.Outcome{ok, ok}},
		{exitInconclusive, []suite.Outcome{unclear, ok}},
		{exitDiffers, []suite.Outcome{ok, differs, unclear}},
		{exitDiffers, []suite.Outcome{unclear, differs, ok}},
		{exitHarness, []suite.Outcome{broken, differs, unclear}},
		{exitHarness, []suite.Outcome{unclear, differs, broken}},
	} {
		require.Equal(t, c.want, exitCode(t.Context(), c.of))
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.Equal(t, exitInterrupted, exitCode(stopped, []suite.Outcome{ok, broken}))
}

// played is the folder of one run of codes.yaml, shared by the tests that only look.
func played(t *testing.T) (*tool, result) {
	t.Helper()
	x := newTool(t)
	x.file(t, "step.md", "what stood there\n")
	x.env = []string{"GITHUB_STEP_SUMMARY=" + filepath.Join(x.dir, "step.md")}
	return x, x.run(t, "replay", example(t, "codes.yaml"), "--world", "virtual", "--seed", "7")
}

func TestReplayLeavesItsFiles(t *testing.T) {
	x, r := played(t)
	require.Equal(t, exitHarness, r.code)
	latest, err := os.Readlink(filepath.Join(x.dir, "out", "latest"))
	require.NoError(t, err)
	require.Regexp(t, `^\d{8}T\d{6}Z$`, latest)
	s := summaryOf(t, x, "out/latest")

	t.Run("summary.json", func(t *testing.T) {
		require.Equal(t, 1, s.Schema)
		require.Equal(t, uint64(7), s.Seed)
		require.WithinDuration(t, time.Now(), s.Started, time.Minute)
		want := map[string]struct {
			expected, verdict string
			as                bool
		}{
			"passes": {"pass", "pass", true}, "fails": {"fail:dead-air", "fail", true}, "differs": {"pass", "fail", false},
			"unclear": {"pass", "inconclusive", false}, "broken": {"pass", "inconclusive", false},
		}
		require.Len(t, s.Runs, len(want))
		for _, run := range s.Runs {
			w := want[run.Variant]
			require.Equal(t, w.expected, run.Expected)
			require.Equal(t, w.verdict, run.Verdict, run.Variant)
			require.Equal(t, w.as, run.AsExpected, run.Variant)
			require.Equal(t, "codes/"+run.Variant+".virtual", run.Dir)
			require.Len(t, run.Hash, 64)
			require.Equal(t, run.Variant == "broken", run.Error != "")
			require.Equal(t, "deadair replay "+example(t, "codes.yaml")+" --variant "+run.Variant+" --world virtual --seed 7", run.Replay)
		}
	})
	t.Run("files", func(t *testing.T) {
		source, err := os.ReadFile(example(t, "codes.yaml"))
		require.NoError(t, err)
		for _, run := range s.Runs {
			for _, name := range []string{"plan.json", "history.jsonl", "verdict.json", "report.html"} {
				require.NotEmpty(t, x.read(t, "out/latest", run.Dir, name))
			}
			require.Equal(t, string(source), x.read(t, "out/latest", run.Dir, "scenario.yaml"))
			require.DirExists(t, filepath.Join(x.dir, "out/latest", run.Dir, "logs"))
		}
		require.Contains(t, x.read(t, "out/latest/index.html"), "codes/differs.virtual/report.html")
	})
	t.Run("junit.xml", func(t *testing.T) {
		var j struct {
			Tests    int `xml:"tests,attr"`
			Failures int `xml:"failures,attr"`
			Errors   int `xml:"errors,attr"`
			Skipped  int `xml:"skipped,attr"`
		}
		require.NoError(t, xml.Unmarshal([]byte(x.read(t, "out/latest/junit.xml")), &j))
		require.Equal(t, []int{5, 1, 2}, []int{j.Tests, j.Errors, j.Failures + j.Skipped})
	})
	t.Run("step summary", func(t *testing.T) {
		require.Equal(t, "what stood there\n"+x.read(t, "out/latest/summary.md"), x.read(t, "step.md"))
	})
	t.Run("what a person reads", func(t *testing.T) {
		require.NotContains(t, r.out, "\x1b", "no terminal, no colours and no cursor")
		require.Contains(t, r.out, "  dead-air: fail: no broadcaster's programme is missing for longer than allowed\n    first at ")
		require.Contains(t, r.out, "  again: deadair replay "+example(t, "codes.yaml")+" --variant differs --world virtual --seed 7\n")
		require.Contains(t, r.out, "2 of 5 as expected. Report: out/")
		require.Len(t, regexp.MustCompile(`(?m)^\[\d/5\] `).FindAllString(r.out, -1), 5)
	})
	t.Run("check and report", func(t *testing.T) { again(t, x, s) })
}

// again judges and draws the runs a second time.
func again(t *testing.T, x *tool, s reports.Summary) {
	files := []string{"out/latest/summary.json", "out/latest/junit.xml", "out/latest/summary.md", "out/latest/index.html"}
	for _, run := range s.Runs {
		for _, name := range []string{"plan.json", "history.jsonl", "verdict.json", "report.html"} {
			files = append(files, "out/latest/"+run.Dir+"/"+name)
		}
	}
	before := map[string]string{}
	for _, f := range files {
		before[f] = x.read(t, f)
	}
	same := func(t *testing.T) {
		t.Helper()
		for _, f := range files {
			require.Equal(t, before[f], x.read(t, f), f)
		}
	}
	spoil := func(t *testing.T, names ...string) {
		t.Helper()
		for _, f := range files {
			for _, n := range names {
				if strings.HasSuffix(f, n) {
					x.file(t, f, "spoilt")
				}
			}
		}
	}
	step := x.read(t, "step.md")

	spoil(t, "verdict.json", ".html", ".md", ".xml")
	x.file(t, "out/latest/summary.json", strings.Replace(before["out/latest/summary.json"], `"verdict": "fail"`, `"verdict": "pass"`, 1))
	r := x.run(t, "check", "out/latest")
	require.Equal(t, exitHarness, r.code, "%s%s", r.out, r.err)
	require.Contains(t, r.out, "2 of 5 as expected")
	same(t)

	spoil(t, ".html", ".md", ".xml")
	r = x.run(t, "report", "out/latest")
	require.Zero(t, r.code, r.err)
	require.Contains(t, r.out, "5 pages drawn below out/latest")
	same(t)
	require.Equal(t, step, x.read(t, "step.md"), "only a replay adds to the step summary")

	for variant, code := range map[string]int{"passes": exitOK, "fails": exitOK, "differs": exitDiffers, "unclear": exitInconclusive} {
		dir := "out/latest/codes/" + variant + ".virtual"
		r := x.run(t, "check", dir)
		require.Equal(t, code, r.code, "%s: %s%s", variant, r.out, r.err)
		require.Contains(t, r.out, "Report: "+dir+"/report.html")
	}
	same(t)

	require.NoError(t, os.Mkdir(filepath.Join(x.dir, "bare"), 0o755))
	x.file(t, "bare/plan.json", before["out/latest/codes/passes.virtual/plan.json"])
	r = x.run(t, "report", "bare")
	require.Equal(t, exitHarness, r.code)
	require.Contains(t, r.err, "no page was drawn: no run has a history")
}

// TestABrokenRunKeepsNobodyElseFromItsVerdict, in a folder whose name is a pattern besides.
func TestABrokenRunKeepsNobodyElseFromItsVerdict(t *testing.T) {
	x := newTool(t)
	for _, variant := range []string{"passes", "fails", "differs"} {
		r := x.run(t, "replay", example(t, "codes.yaml"), "--variant", variant, "--world", "virtual", "--out", "run[1]")
		require.Contains(t, []int{exitOK, exitDiffers}, r.code)
	}
	x.file(t, "run[1]/codes/passes.virtual/history.jsonl", "no line of a history\n")
	x.file(t, "run[1]/codes/fails.virtual/report.html", "old")

	r := x.run(t, "check", "run[1]")
	require.Equal(t, exitHarness, r.code)
	require.Contains(t, r.out, "BROKEN   codes passes (virtual)")
	require.Contains(t, r.out, "ok       codes fails (virtual)")
	require.Contains(t, r.out, "DIFFERS  codes differs (virtual)")
	require.Contains(t, r.out, "read history line 1: ")
	require.NotEqual(t, "old", x.read(t, "run[1]/codes/fails.virtual/report.html"))

	x.file(t, "run[1]/codes/fails.virtual/report.html", "old")
	x.file(t, "run[1]/codes/passes.virtual/plan.json", "no plan")
	for command, want := range map[string]string{"check": "judge run[1]/codes/passes.virtual: ", "report": "2 pages drawn below run[1]"} {
		r = x.run(t, command, "run[1]")
		require.Equal(t, exitHarness, r.code)
		require.Contains(t, r.out+r.err, want)
		require.Contains(t, r.err, "run[1]/codes/passes.virtual: read plan: ")
		require.NotEqual(t, "old", x.read(t, "run[1]/codes/fails.virtual/report.html"), command)
		x.file(t, "run[1]/codes/fails.virtual/report.html", "old")
	}
}

func TestReplayIntoAUsedFolderLeavesNothingOld(t *testing.T) {
	x := newTool(t)
	dir := filepath.Join(x.dir, "run", "codes", "broken.virtual")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "disks", "eu-west"), 0o755))
	x.file(t, "run/codes/broken.virtual/history.jsonl", "from long ago\n")
	x.file(t, "run/codes/broken.virtual/mine.txt", "not deadair's")
	r := x.run(t, "replay", example(t, "codes.yaml"), "--variant", "broken", "--world", "virtual", "--out", "run")
	require.Equal(t, exitHarness, r.code)
	require.NotContains(t, x.read(t, "run/codes/broken.virtual/history.jsonl"), "from long ago")
	require.NoDirExists(t, filepath.Join(dir, "disks"))
	require.Equal(t, "not deadair's", x.read(t, "run/codes/broken.virtual/mine.txt"))
}

func TestReplayQuietly(t *testing.T) {
	x := newTool(t)
	r := x.run(t, "replay", example(t, "codes.yaml"), "--variant", "passes", "--world", "virtual", "--quiet", "--out", "run")
	require.Zero(t, r.code)
	require.Equal(t, "\n1 of 1 as expected. Report: run/index.html\n", r.out)

	r = x.run(t, "replay", example(t, "codes.yaml"), "--variant", "differs", "--world", "virtual", "--quiet", "--out", "run")
	require.Equal(t, exitDiffers, r.code)
	require.Equal(t, 1, strings.Count(r.out, "DIFFERS"), "told once")
}

func TestReplayADay(t *testing.T) {
	jobs, err := jobsOf(choice{names: []string{"2014-10-02"}, worlds: []string{"virtual"}, seed: 1, speed: 1})
	require.NoError(t, err)
	require.NotEmpty(t, jobs)
	onDay, err := loadDay("2014-10-02")
	require.NoError(t, err)
	require.Equal(t, "2014-10-02", onDay[0].file.Name)
	onDay, err = loadDay("2014-10")
	require.NoError(t, err)
	require.Empty(t, onDay, "a month is no day")
}

// TestReplayPlaysItsDefaults: of the library nobody named, in real time a part, and all
// of what somebody did name.
func TestReplayPlaysItsDefaults(t *testing.T) {
	of := func(c choice) (jobs []string, onDemand int) {
		c.seed, c.speed = 1, defaultSpeed
		c.asked = func(n int) { onDemand = n }
		all, err := jobsOf(c)
		require.NoError(t, err)
		for _, j := range all {
			jobs = append(jobs, j.Dir())
		}
		return jobs, onDemand
	}
	library, left := of(choice{worlds: []string{"virtual", "loopback"}})
	require.Contains(t, library, "2014-10-02/as-it-was.loopback")
	require.Contains(t, library, "2014-10-02/control.virtual")
	require.NotContains(t, library, "2014-10-02/control.loopback")
	whole, none := of(choice{worlds: []string{"virtual", "loopback"}, all: true})
	require.Zero(t, none)
	require.Len(t, whole, len(library)+left)
	require.Contains(t, whole, "2014-10-02/control.loopback")

	contained, left := of(choice{worlds: []string{"docker"}})
	require.NotZero(t, left)
	for _, j := range library {
		if in, ok := strings.CutSuffix(j, ".loopback"); ok {
			require.Contains(t, contained, in+".docker", "containers play what processes play")
		}
	}

	named, none := of(choice{names: []string{"2014-10-02"}, worlds: []string{"loopback"}})
	require.Zero(t, none)
	require.Contains(t, named, "2014-10-02/control.loopback")
	controls, none := of(choice{variant: "control", worlds: []string{"virtual", "loopback"}})
	require.Zero(t, none)
	require.Contains(t, controls, "2014-10-02/control.loopback", "a variant that is named is played too")
}

func TestReplayWhereNothingCanBeWritten(t *testing.T) {
	x := newTool(t)
	x.file(t, "file", "")
	args := []string{"replay", example(t, "codes.yaml"), "--variant", "passes", "--world", "virtual", "--out"}
	t.Run("no folder", func(t *testing.T) {
		r := x.run(t, append(args, "file/run")...)
		require.Equal(t, exitHarness, r.code)
		require.Equal(t, "deadair: make the folder of the run: mkdir file: not a directory\n", r.err)
	})
	t.Run("no folder of one run", func(t *testing.T) {
		require.NoError(t, os.MkdirAll(filepath.Join(x.dir, "run"), 0o755))
		x.file(t, "run/codes", "")
		r := x.run(t, append(args, "run")...)
		require.Equal(t, exitHarness, r.code)
		require.Contains(t, r.out, "  clear the folder of a run: ")
		require.Contains(t, summaryOf(t, x, "run").Runs[0].Error, "not a directory", "the rest of the report is there")
	})
	t.Run("no room", func(t *testing.T) {
		if _, err := os.Stat("/dev/full"); err != nil {
			t.Skip("this system has no /dev/full")
		}
		full := newTool(t)
		full.env = []string{"GITHUB_STEP_SUMMARY=/dev/full"}
		r := full.run(t, append(args, "run")...)
		require.Equal(t, exitHarness, r.code)
		require.Contains(t, r.err, "deadair: write full: ")
		require.Contains(t, r.err, "no space left on device")
		require.NotEmpty(t, summaryOf(t, full, "run").Runs)
	})
}

func TestRunFolderIsItsOwn(t *testing.T) {
	t.Chdir(t.TempDir())
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, want := range []string{"20260102T030405Z", "20260102T030405Z-2", "20260102T030405Z-3"} {
		dir, err := runFolder("", now)
		require.NoError(t, err)
		require.Equal(t, filepath.Join("out", want), dir)
		latest, err := os.Readlink("out/latest")
		require.NoError(t, err)
		require.Equal(t, want, latest)
	}
	entries, err := os.ReadDir("out")
	require.NoError(t, err)
	require.Len(t, entries, 4, "nothing is left of making the link")

	require.NoError(t, os.Remove("out/latest"))
	require.NoError(t, os.MkdirAll("out/latest/mine", 0o755))
	_, err = runFolder("", now.Add(time.Second))
	require.ErrorContains(t, err, "point out/latest at the run: ", "a folder of somebody else is not removed")
	require.DirExists(t, "out/latest/mine")
}
