package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"deadair/harness/suite"
	"deadair/reports"
)

// compare tells what differs between the runs of two folders. It ends with 1 when a
// verdict of B is not the expected one and A's was; what fails in both is no news.
func compare(_ context.Context, t terminal, args []string) int {
	fs := flag.NewFlagSet("deadair compare", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print JSON")
	page := fs.String("html", "", "write a page to this `FILE`; its links are those from B's folder, where it belongs")
	dirs, code, ok := parse(fs, t, args)
	if !ok {
		return code
	}
	if len(dirs) != 2 {
		return fail(t, exitUsage, errors.New("compare takes two folders with a summary.json: deadair compare A B"))
	}
	var sides [2]reports.Summary
	for i, dir := range dirs {
		var err error
		if sides[i], err = suite.ReadSummary(dir); err != nil {
			return fail(t, exitUsage, fmt.Errorf("compare %s: %w", dir, err))
		}
	}
	c := reports.Compare(sides[0], sides[1])
	c.A.Name, c.B.Name = dirs[0], dirs[1]
	write := reports.WriteComparisonText
	if *asJSON {
		write = reports.WriteComparisonJSON
	}
	if err := errors.Join(write(t.out, c), writePage(*page, c)); err != nil {
		return fail(t, exitHarness, err)
	}
	return comparisonCode(c)
}

func writePage(name string, c reports.Comparison) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return errors.Join(reports.WriteComparisonPage(f, c), f.Close())
}

// comparisonCode sums up what got worse: not carried out beats a verdict that
// differs beats one that proves nothing. Two folders of which nothing can be
// compared prove nothing either.
func comparisonCode(c reports.Comparison) int {
	code := exitOK
	if !c.Proves() {
		code = exitInconclusive
	}
	for _, x := range c.Worse() {
		switch {
		case x.Broken:
			return exitHarness
		case !x.Unclear:
			code = exitDiffers
		case code == exitOK:
			code = exitInconclusive
		}
	}
	return code
}

// besides is the folder of another time, to set pages beside.
type besides struct{ dir *string }

func baselineFlag(fs *flag.FlagSet) besides {
	return besides{fs.String("baseline", "", "`DIR` of an earlier run, to tell on the pages what changed since")}
}

// read reads the summary there; nil when none was named.
func (b besides) read() (*reports.Summary, error) {
	if *b.dir == "" {
		return nil, nil //nolint:nilnil // no baseline is no error
	}
	s, err := suite.ReadSummary(*b.dir)
	if err != nil {
		return nil, fmt.Errorf("read the baseline %s: %w", filepath.Clean(*b.dir), err)
	}
	return &s, nil
}
