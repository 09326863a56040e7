package suite

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"deadair/harness/history"
	"deadair/harness/scenario"
)

func TestWriteClearsOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	put := func(name string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("old"), 0o644))
	}
	for _, name := range []string{"plan.json", "history.jsonl", "verdict.json", "report.html", "logs/redis.log", "disks/redis/x", "mine/notes.txt"} {
		put(name)
	}
	require.NoError(t, write(dir, job(t, "today")))
	var left []string
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(dir, p); !d.IsDir() {
			left = append(left, filepath.ToSlash(rel))
		}
		return err
	}))
	require.Equal(t, []string{"mine/notes.txt", "plan.json", "scenario.yaml"}, left)
	p, err := readPlan(dir)
	require.NoError(t, err)
	require.Equal(t, job(t, "today").Plan, p)
}

func TestWritingToAFullDiskNamesTheFile(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	dir := t.TempDir()
	require.NoError(t, os.Symlink("/dev/full", filepath.Join(dir, "history.jsonl")))
	log := history.NewLog(func() time.Duration { return 0 })
	log.Add(history.Event{Node: "harness", Kind: history.RunStarted})
	err := writeHistory(dir, log)
	require.ErrorContains(t, err, "write history.jsonl: ")
	require.ErrorContains(t, err, "no space left on device")

	err = toFile("/dev/full", func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err })
	require.ErrorContains(t, err, "write full: ")
}

func TestRejudgeTellsWhatIsBroken(t *testing.T) {
	dir := t.TempDir()
	_, err := Rejudge(dir)
	require.ErrorContains(t, err, "read plan: open ")
	require.NoError(t, write(dir, job(t, "today")))

	o, err := Rejudge(dir)
	require.NoError(t, err)
	require.ErrorIs(t, o.Err, ErrNoHistory)
	require.ErrorIs(t, Redraw(dir, nil), ErrNoHistory)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "history.jsonl"), []byte("{\"node\":\n"), 0o644))
	o, err = Rejudge(dir)
	require.NoError(t, err, "others in the same folder can be judged")
	require.ErrorIs(t, o.Err, ErrBadHistory)
	require.ErrorContains(t, o.Err, "read history line 1: ")
	require.False(t, o.AsExpected())
	require.ErrorIs(t, Redraw(dir, nil), ErrBadHistory)

	require.NoError(t, os.WriteFile(filepath.Join(dir, "history.jsonl"), []byte(`{"t":1,"node":"rome-01","seq":2,"kind":"on-air"}`+"\n"), 0o644))
	o, err = Rejudge(dir)
	require.NoError(t, err)
	require.EqualError(t, o.Err, "what the run left cannot be judged: history is not whole: rome-01 saw 2 events, and 1 of them are here")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "history.jsonl"), nil, 0o644))
	require.ErrorContains(t, Redraw(dir, nil), "read verdict.json: ")
	_, err = Rejudge(dir)
	require.NoError(t, err, "an empty history proves nothing, but can be judged")
	require.NoError(t, Redraw(dir, nil))
}

// TestAmendKeepsWhatOnlyTheRunKnew: that it was stopped, and that it was the same twice.
func TestAmendKeepsWhatOnlyTheRunKnew(t *testing.T) {
	dir := t.TempDir()
	twice, stopped := Outcome{Job: job(t, "today"), Verified: true}, Outcome{Job: job(t, "as-it-was")}
	stopped.Err = fmt.Errorf("%w, not begun: %w", ErrStopped, context.Canceled)
	require.NoError(t, WriteSummary(dir, Summarize(time.Now(), 1, []Outcome{twice, stopped}), nil))
	before, err := ReadSummary(dir)
	require.NoError(t, err)

	again, err := Amend(dir, []Outcome{{Job: twice.Job}, {Job: stopped.Job}}, nil)
	require.NoError(t, err)
	require.True(t, again[1].Stopped())
	require.EqualError(t, again[1].Err, stopped.Err.Error())
	after, err := ReadSummary(dir)
	require.NoError(t, err)
	require.True(t, after.Runs[0].Verified)
	require.Equal(t, before.Runs, after.Runs)
}

// TestAmendForgetsWhatAJudgeCouldNotRead once it can be read.
func TestAmendForgetsWhatAJudgeCouldNotRead(t *testing.T) {
	dir := t.TempDir()
	torn, absent := Outcome{Job: job(t, "today")}, Outcome{Job: job(t, "as-it-was")}
	torn.Err, absent.Err = fmt.Errorf("%w: line 7", ErrBadHistory), ErrNoHistory
	require.NoError(t, WriteSummary(dir, Summarize(time.Now(), 1, []Outcome{torn, absent}), nil))
	again, err := Amend(dir, []Outcome{{Job: torn.Job}, {Job: absent.Job, Err: ErrNoHistory}}, nil)
	require.NoError(t, err)
	require.NoError(t, again[0].Err)
	require.ErrorIs(t, again[1].Err, ErrNoHistory)
}

func TestStartOf(t *testing.T) {
	at := func(wall, date string) time.Time {
		return startOf(&scenario.Plan{Date: date, Clock: []scenario.Stretch{{Wall: wall}}})
	}
	require.Equal(t, time.Date(2014, 11, 30, 1, 30, 0, 0, time.UTC), at("2014-11-30T01:30:00Z", "2014-11-30"))
	require.Equal(t, time.Date(2014, 10, 2, 0, 0, 0, 0, time.UTC), at("", "2014-10-02"))
	require.True(t, at("", "").IsZero())
	require.True(t, at("", "1999-12-31").IsZero(), "a bubble cannot show it")
}
