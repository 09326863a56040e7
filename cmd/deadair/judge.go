package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"deadair/harness/suite"
)

// checkRun judges the runs below a folder again, from their histories.
func checkRun(ctx context.Context, t terminal, args []string) int {
	dirs, root, code, ok := runsBelow(t, flag.NewFlagSet("deadair check", flag.ContinueOnError), args)
	if !ok {
		return code
	}
	var outcomes []suite.Outcome
	for _, dir := range dirs {
		o, err := suite.Rejudge(dir)
		if err != nil {
			return fail(t, exitHarness, fmt.Errorf("judge %s: %w", dir, err))
		}
		outcomes = append(outcomes, o)
	}
	outcomes, err := suite.Amend(root, outcomes, nil)
	if err != nil {
		return fail(t, exitHarness, err)
	}
	for _, o := range outcomes {
		fmt.Fprintln(t.out, resultLine(o))
	}
	tell(t, root, outcomes)
	return exitCode(ctx, outcomes)
}

// reportRun draws the pages of the runs below a folder again.
func reportRun(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair report", flag.ContinueOnError)
	besides := baselineFlag(fs)
	dirs, root, code, ok := runsBelow(t, fs, args)
	if !ok {
		return code
	}
	base, err := besides.read()
	if err != nil {
		return fail(t, exitUsage, err)
	}
	drawn := 0
	for _, dir := range dirs {
		err := suite.Redraw(dir, base)
		if errors.Is(err, suite.ErrNoHistory) {
			fmt.Fprintf(t.out, "%s: left out: %v\n", dir, err)
			continue
		}
		if err != nil {
			return fail(t, exitHarness, fmt.Errorf("draw %s: %w", dir, err))
		}
		drawn++
	}
	if _, err := suite.Amend(root, nil, base); err != nil {
		return fail(t, exitHarness, err)
	}
	if drawn == 0 {
		return fail(t, exitHarness, errors.New("no page was drawn: no run has a history"))
	}
	fmt.Fprintf(t.out, "%d pages drawn below %s\n", drawn, root)
	return exitOK
}

// runsBelow finds the folders with a plan.json: DIR itself, or SCENARIO/VARIANT below it.
func runsBelow(t terminal, fs *flag.FlagSet, args []string) (dirs []string, root string, code int, ok bool) {
	rest, code, ok := parse(fs, t, args)
	if !ok {
		return nil, "", code, false
	}
	if len(rest) != 1 {
		return nil, "", fail(t, exitUsage, fmt.Errorf("%s takes the folder of a run, such as out/latest", strings.TrimPrefix(fs.Name(), "deadair "))), false
	}
	root = rest[0]
	for _, pattern := range []string{"plan.json", "*/*/plan.json"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, "", fail(t, exitUsage, err), false
		}
		for _, f := range found {
			dirs = append(dirs, filepath.Dir(f))
		}
	}
	if len(dirs) == 0 {
		return nil, "", fail(t, exitUsage, fmt.Errorf("no run in %s: it has no plan.json", root)), false
	}
	return dirs, root, exitOK, true
}
