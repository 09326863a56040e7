package main

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
	"deadair/harness/suite"
	"deadair/reports"
)

// progress shows running jobs: live lines on a terminal, plain lines elsewhere.
type progress struct {
	w       io.Writer
	live    bool
	quiet   bool
	total   int
	done    int
	running map[string]suite.Progress
	drawn   int // live lines on the screen
}

// Live lines stay on one screen: one that wraps could not be taken back.
const (
	maxLiveLines = 12
	liveWidth    = 79
)

func newProgress(w io.Writer, quiet bool, total int) *progress {
	return &progress{w: w, live: isTerminal(w) && !quiet, quiet: quiet, total: total, running: map[string]suite.Progress{}}
}

// show takes one sign of life; the suite calls it one at a time.
func (p *progress) show(s suite.Progress) {
	name := nameOf(s.Job)
	if s.Done == nil {
		p.running[name] = s
		if p.live {
			p.redraw("")
		}
		return
	}
	delete(p.running, name)
	p.done++
	line := fmt.Sprintf("[%d/%d] %s", p.done, p.total, resultLine(*s.Done))
	switch {
	case p.live:
		p.redraw(line)
	case !p.quiet:
		fmt.Fprintln(p.w, line)
	}
}

// redraw replaces the live lines by those of now, with a finished line above them.
func (p *progress) redraw(finished string) {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", p.drawn)
	}
	if finished != "" {
		fmt.Fprintln(&b, finished)
	}
	names := make([]string, 0, len(p.running))
	for n := range p.running {
		names = append(names, n)
	}
	slices.Sort(names)
	p.drawn = min(len(names), maxLiveLines)
	for _, n := range names[:p.drawn] {
		s := p.running[n]
		line := fmt.Sprintf("  %-44.44s %9s / %s  %s", n, clock(s.At), clock(s.Job.Plan.End), s.Text)
		fmt.Fprintf(&b, "%.*s\n", liveWidth, line)
	}
	io.WriteString(p.w, b.String()) //nolint:errcheck // a terminal that is gone is no reason to stop
}

// end takes the live lines off the screen.
func (p *progress) end() {
	if p.live && p.drawn > 0 {
		fmt.Fprintf(p.w, "\x1b[%dA\x1b[J", p.drawn)
	}
}

func clock(d time.Duration) string { return d.Round(time.Second).String() }

func nameOf(j suite.Job) string {
	name := j.Plan.Scenario + " " + j.Plan.Variant + " (" + j.Plan.World + ")"
	if by := j.Plan.Foreigners(); by != "" {
		name += " with " + by
	}
	return name
}

// resultLine is one outcome for a person.
func resultLine(o suite.Outcome) string {
	word, got := "ok", string(o.Verdict.Result)
	switch {
	case o.Stopped():
		word, got = "STOPPED", "not played to its end"
	case errors.Is(o.Err, suite.ErrOther):
		word, got = "OTHER", "another run when it was played again"
	case o.Err != nil:
		word, got = "BROKEN", "the run could not be carried out"
	case o.Differs():
		word = "DIFFERS"
	case o.Inconclusive():
		word = "UNCLEAR"
	}
	if failed := o.Failed(); len(failed) > 0 && o.Err == nil {
		got += ":" + strings.Join(failed, ",")
	}
	if o.Foreign() {
		return fmt.Sprintf("%-8s %-52s %s  %s", word, nameOf(o.Job), got, o.Wall.Round(100*time.Millisecond))
	}
	return fmt.Sprintf("%-8s %-52s %s, expected %s  %s", word, nameOf(o.Job), got, o.Job.Plan.Want.Result(), o.Wall.Round(100*time.Millisecond))
}

// isTerminal tells whether live lines make sense.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("CI") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// tell prints what a person needs after a run: what differs, why, and how to see it again.
func tell(t terminal, dir string, outcomes []suite.Outcome) {
	asExpected := 0
	for _, o := range outcomes {
		if o.AsExpected() {
			asExpected++
			continue
		}
		explain(t.out, o)
	}
	page := filepath.Join(dir, "index.html")
	if _, err := os.Stat(filepath.Join(dir, "plan.json")); err == nil {
		page = filepath.Join(dir, "report.html") // the folder of one run
	}
	fmt.Fprintf(t.out, "\n%d of %d as expected. Report: %s\n", asExpected, len(outcomes), page)
}

// tellParity prints what virtual time and real sockets do not agree about.
func tellParity(t terminal, table []reports.Parity) {
	if len(table) == 0 {
		return
	}
	agree := 0
	for _, p := range table {
		switch {
		case !p.Agree:
			fmt.Fprintf(t.out, "PARITY   %s\n", p.Line())
		case p.Unclear == "":
			agree++
		}
	}
	fmt.Fprintf(t.out, "%d of %d variants the same in virtual time and on real sockets.\n", agree, len(table))
}

// explain prints why an outcome is not the expected one.
func explain(w io.Writer, o suite.Outcome) {
	fmt.Fprintf(w, "\n%s\n", resultLine(o))
	if o.Stopped() {
		return
	}
	if o.Err != nil {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(o.Err.Error(), "\n", "\n  "))
	}
	for _, p := range o.Verdict.Properties {
		if p.Result == check.Pass || o.Err != nil {
			continue
		}
		fmt.Fprintf(w, "  %s: %s: %s\n", p.Name, p.Result, p.Sentence)
		if len(p.Findings) > 0 {
			f := p.Findings[0]
			fmt.Fprintf(w, "    first at %s: %s\n", clock(f.At), f.Sentence)
		}
	}
	fmt.Fprintf(w, "  again: %s\n", o.Job.Plan.Replay())
}
