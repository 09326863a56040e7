package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"deadair/balancer/env"
	"deadair/harness/suite"
)

func replay(ctx context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair replay", flag.ContinueOnError)
	var c choice
	worlds := c.flags(fs)
	out := fs.String("out", "", "folder for the run's files (default: out/<UTC time>)")
	parallel := fs.Int("parallel", 0, "runs at once in real time (default: 5 for two cores)")
	besides := baselineFlag(fs)
	quiet := fs.Bool("quiet", false, "print only what differs and the summary")
	names, code, ok := parse(fs, t, args)
	if !ok {
		return code
	}
	if *parallel < 0 {
		return fail(t, exitUsage, fmt.Errorf("--parallel %d: give a number of runs, or 0 for the default", *parallel))
	}
	if err := c.take(names, *worlds); err != nil {
		return fail(t, exitUsage, err)
	}
	c.asked = func(n int) {
		fmt.Fprintf(t.out, "%d more runs of the library are not played by default: --all, or their names, play them\n", n)
	}
	c.leftOut = func(why error) { fmt.Fprintf(t.err, "deadair: left out: %v\n", why) }
	jobs, err := jobsOf(c)
	if err != nil {
		return refuse(t, err)
	}
	exes, err := programsFor(ctx, jobs)
	if err != nil {
		return fail(t, exitUsage, err)
	}
	base, err := besides.read()
	if err != nil {
		return fail(t, exitUsage, err)
	}
	dir, err := runFolder(*out, time.Now())
	if err != nil {
		return fail(t, exitHarness, err)
	}
	unlock, err := env.LockDir(dir)
	if err != nil {
		return fail(t, exitHarness, err)
	}
	defer unlock()
	started := time.Now()
	p := newProgress(t.out, *quiet, len(jobs))
	outcomes, err := suite.Run(ctx, suite.Config{Out: dir, Exes: exes, Real: *parallel, Baseline: base, Verify: c.verify, Progress: p.show}, jobs)
	p.end()
	if err != nil {
		return fail(t, exitHarness, err)
	}
	tell(t, dir, outcomes)
	summary := suite.Summarize(started, c.seed, outcomes)
	tellParity(t, summary.Parity)
	if err := errors.Join(suite.WriteSummary(dir, summary, base), suite.AppendStep(summary)); err != nil {
		return fail(t, exitHarness, err)
	}
	return exitCode(ctx, outcomes)
}

// runFolder makes the folder of a run, and points "latest" beside it at it.
func runFolder(out string, now time.Time) (string, error) {
	if out != "" {
		if err := os.MkdirAll(out, 0o755); err != nil {
			return "", fmt.Errorf("make the folder of the run: %w", err)
		}
		return out, nil
	}
	if err := os.MkdirAll("out", 0o755); err != nil {
		return "", fmt.Errorf("make the folder of the run: %w", err)
	}
	name := now.UTC().Format("20060102T150405Z")
	for n := 2; ; n++ {
		err := os.Mkdir(filepath.Join("out", name), 0o755)
		if err == nil {
			break
		}
		if !errors.Is(err, os.ErrExist) || n > maxPerSecond {
			return "", fmt.Errorf("make the folder of the run: %w", err)
		}
		name = fmt.Sprintf("%s-%d", now.UTC().Format("20060102T150405Z"), n)
	}
	return filepath.Join("out", name), pointAt(name)
}

// maxPerSecond is how many runs may begin in one second and one place.
const maxPerSecond = 100

// pointAt has out/latest name a folder, at once: who reads it meanwhile finds the old one or the new one.
func pointAt(name string) error {
	draft := filepath.Join("out", "."+name)
	if err := os.Symlink(name, draft); err != nil {
		return fmt.Errorf("point out/latest at the run: %w", err)
	}
	if err := os.Rename(draft, filepath.Join("out", "latest")); err != nil {
		return errors.Join(fmt.Errorf("point out/latest at the run: %w", err), os.Remove(draft))
	}
	return nil
}

// exitCode sums the outcomes up: a harness that failed beats a verdict that differs beats inconclusive.
func exitCode(ctx context.Context, outcomes []suite.Outcome) int {
	if ctx.Err() != nil {
		return exitInterrupted
	}
	code := exitOK
	for _, o := range outcomes {
		switch {
		case o.Err != nil:
			return exitHarness
		case o.Differs():
			code = exitDiffers
		case o.Inconclusive() && code == exitOK:
			code = exitInconclusive
		}
	}
	return code
}
