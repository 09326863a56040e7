package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"deadair/harness/suite"
)

// checkRun judges the runs below a folder again, from their histories. One that cannot be
// judged keeps nobody else from it.
func checkRun(ctx context.Context, t terminal, args []string) int {
	dirs, root, code, ok := runsBelow(t, flag.NewFlagSet("deadair check", flag.ContinueOnError), args)
	if !ok {
		return code
	}
	var outcomes []suite.Outcome
	var unread error
	for _, dir := range dirs {
		o, err := suite.Rejudge(dir)
		if err != nil {
			unread = errors.Join(unread, fmt.Errorf("judge %s: %w", dir, err))
			continue
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
	if unread != nil {
		return fail(t, exitHarness, unread)
	}
	return exitCode(ctx, outcomes)
}

// reportRun draws the pages of the runs below a folder again. What cannot be drawn keeps
// nobody else's page from it; where nothing was ever played there is none to draw.
func reportRun(_ context.Context, t terminal, args []string) int {
	flags := flag.NewFlagSet("deadair report", flag.ContinueOnError)
	besides := baselineFlag(flags)
	dirs, root, code, ok := runsBelow(t, flags, args)
	if !ok {
		return code
	}
	base, err := besides.read()
	if err != nil {
		return fail(t, exitUsage, err)
	}
	drawn := 0
	var undrawn error
	for _, dir := range dirs {
		switch err := suite.Redraw(dir, base); {
		case err == nil:
			drawn++
		case errors.Is(err, suite.ErrNoHistory):
			fmt.Fprintf(t.out, "%s: left out: %v\n", dir, err)
		default:
			undrawn = errors.Join(undrawn, fmt.Errorf("draw %s: %w", dir, err))
		}
	}
	if _, err := suite.Amend(root, nil, base); err != nil {
		return fail(t, exitHarness, err)
	}
	if drawn == 0 && undrawn == nil {
		undrawn = errors.New("no page was drawn: no run has a history")
	}
	if drawn > 0 {
		fmt.Fprintf(t.out, "%d pages drawn below %s\n", drawn, root)
	}
	if undrawn != nil {
		return fail(t, exitHarness, undrawn)
	}
	return exitOK
}

// runsBelow finds the folders with a plan.json: DIR itself, or SCENARIO/VARIANT below it.
func runsBelow(t terminal, flags *flag.FlagSet, args []string) (dirs []string, root string, code int, ok bool) {
	rest, code, ok := parse(flags, t, args)
	if !ok {
		return nil, "", code, false
	}
	if len(rest) != 1 {
		return nil, "", fail(t, exitUsage, fmt.Errorf("%s takes the folder of a run, such as out/latest", strings.TrimPrefix(flags.Name(), "deadair "))), false
	}
	root = rest[0]
	for _, pattern := range []string{"plan.json", "*/*/plan.json"} {
		found, err := fs.Glob(os.DirFS(root), pattern) // root itself may have a "[" in it
		if err != nil {
			return nil, "", fail(t, exitUsage, err), false
		}
		for _, f := range found {
			dirs = append(dirs, filepath.Join(root, filepath.Dir(f)))
		}
	}
	if len(dirs) == 0 {
		return nil, "", fail(t, exitUsage, fmt.Errorf("no run in %s: it has no plan.json", root)), false
	}
	return dirs, root, exitOK, true
}
