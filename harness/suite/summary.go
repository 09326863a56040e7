package suite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"deadair/harness/check"
	"deadair/reports"
)

// AsExpected tells whether the run was carried out and its verdict is the one the variant must have.
func (o Outcome) AsExpected() bool { return o.Err == nil && (o.Verdict.AsExpected || o.Foreign()) }

// Foreign tells whether servers of somebody else's were in it. Whatever its verdict, it is what was to be seen.
func (o Outcome) Foreign() bool { return o.Job.Plan != nil && len(o.Job.Plan.Foreign) > 0 }

// Inconclusive tells whether the run was carried out but proves nothing.
func (o Outcome) Inconclusive() bool {
	return o.Err == nil && o.Verdict.Result == check.Inconclusive && !o.AsExpected()
}

// Differs tells whether the verdict is another than the expected one.
func (o Outcome) Differs() bool { return o.Err == nil && !o.AsExpected() && !o.Inconclusive() }

// Stopped tells whether the run was ended before its time, or not begun, because the suite was.
func (o Outcome) Stopped() bool { return errors.Is(o.Err, ErrStopped) }

// Failed names the properties that failed, as Want does.
func (o Outcome) Failed() []string {
	var names []string
	for _, p := range o.Verdict.Properties {
		if p.Result == check.Fail {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Summarize puts outcomes into the form of summary.json.
func Summarize(started time.Time, seed uint64, outcomes []Outcome) reports.Summary {
	s := reports.Summary{Schema: 1, Started: started.UTC(), Seed: seed, WallS: time.Since(started).Seconds()}
	where := Environment()
	s.Environment = &where
	for _, o := range outcomes {
		if o.Foreign() {
			s.Foreign = append(s.Foreign, o.summary())
			continue
		}
		s.Runs = append(s.Runs, o.summary())
		about := reports.NewAbout(o.Job.Plan)
		if !slices.ContainsFunc(s.Scenarios, func(a reports.About) bool { return a.Name == about.Name }) {
			s.Scenarios = append(s.Scenarios, about)
		}
	}
	s.Parity = reports.Parities(s.Runs)
	return s
}

func (o Outcome) summary() reports.Run {
	r := o.Run
	if r.Scenario == "" {
		r = reports.NewRun(reports.Judged{Plan: o.Job.Plan, Verdict: o.Verdict})
	}
	r.Verified = o.Verified
	r.WallS, r.Played, r.Events, r.Hash, r.Dir = o.Wall.Seconds(), o.Played, o.Events, o.Hash, filepath.ToSlash(o.Job.Dir())
	if o.Err != nil {
		r.AsExpected, r.Error = false, o.Err.Error()
	}
	return r
}

// WriteSummary writes the files at the root of a run. The status page is set beside
// a summary of another time, unless that is nil.
func WriteSummary(dir string, s reports.Summary, base *reports.Summary) error {
	status := func(w io.Writer, s reports.Summary) error {
		if base == nil {
			return reports.WriteStatus(w, s, nil)
		}
		change := reports.Compare(*base, s)
		return reports.WriteStatus(w, s, &change)
	}
	files := []struct {
		name string
		draw func(io.Writer, reports.Summary) error
	}{
		{"summary.json", reports.WriteJSON},
		{"junit.xml", reports.WriteJUnit},
		{"summary.md", reports.WriteMarkdown},
		{"index.html", status},
	}
	for _, f := range files {
		if err := toFile(filepath.Join(dir, f.name), func(w io.Writer) error { return f.draw(w, s) }); err != nil {
			return err
		}
	}
	return nil
}

// AppendStep appends the Markdown to the step summary of a CI that names one.
func AppendStep(s reports.Summary) error {
	step := os.Getenv("GITHUB_STEP_SUMMARY")
	if step == "" {
		return nil
	}
	return intoFile(step, os.O_CREATE|os.O_APPEND, func(w io.Writer) error { return reports.WriteMarkdown(w, s) })
}

// Amend writes the files at the root of a run again with the verdicts of
// outcomes that were judged again, and returns these with the errors that their
// runs had; what a judge before this one could not read is no error of the run. A root
// without a summary, such as the folder of a single run, is left as it is.
func Amend(root string, outcomes []Outcome, base *reports.Summary) ([]Outcome, error) {
	var s reports.Summary
	err := readJSON(filepath.Join(root, "summary.json"), &s)
	if errors.Is(err, os.ErrNotExist) {
		return outcomes, nil
	}
	if err != nil {
		return nil, err
	}
	for i, o := range outcomes {
		runs := s.Runs
		if o.Foreign() {
			runs = s.Foreign
		}
		at := slices.IndexFunc(runs, func(r reports.Run) bool { return r.Dir == filepath.ToSlash(o.Job.Dir()) })
		if at < 0 {
			continue // it was not part of the last run in this folder
		}
		was := runs[at]
		switch {
		case was.Error == ErrNoHistory.Error(), strings.HasPrefix(was.Error, ErrBadHistory.Error()):
		case strings.HasPrefix(was.Error, ErrStopped.Error()):
			outcomes[i].Err = fmt.Errorf("%w%s", ErrStopped, strings.TrimPrefix(was.Error, ErrStopped.Error()))
		case was.Error != "":
			outcomes[i].Err = errors.New(was.Error)
		}
		outcomes[i].Wall, outcomes[i].Played = time.Duration(was.WallS*float64(time.Second)), was.Played
		outcomes[i].Verified = was.Verified // it was the same history then
		runs[at] = outcomes[i].summary()
		runs[at].WallS = was.WallS
	}
	s.Parity = reports.Parities(s.Runs)
	return outcomes, WriteSummary(root, s, base)
}
