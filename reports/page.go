package reports

import (
	"fmt"
	"strconv"
	"time"

	"deadair/harness/check"
	"deadair/harness/history"
	"deadair/harness/scenario"
)

// Page is everything that the page of one run shows, computed.
type Page struct {
	Plan    *scenario.Plan
	Verdict check.Verdict
	Run     Run
	Stamp   Stamp

	Tally    string // how many properties hold, are violated, or are not known
	Facts    []Fact // numbers under the headline
	Wall     string // empty: not known
	Jump     string // the first finding of what failed; empty: nothing did
	Diff     *Diff  // beside the baseline; nil: none was given
	Lies     []Lie  // balancers that were called healthy and took nobody, the longest first
	Chart    Chart  // the timeline
	Chains   []Chain
	Checks   []Check
	Ledgers  []Recovery
	Blasts   []Blast
	Service  []Served // what health checks said against what was served
	Dead     DeadTable
	Segments []Segment
	Tracks   []TrackRow // what is in the store
	Spaces   []Space
	Covers   []Cover
	Steps    []StepRow
	Source   []Line
	Values   []Fact // of the plan after all defaults
	Events   []EventRow
	Left     int    // events not listed
	Raw      string // the history, compressed; empty: it is too long, or there is none

	Surroundings []Fact // where it was played, and by what
}

// Stamp says at the first glance whether there is something to do.
type Stamp struct{ Class, Sign, Text string }

// Fact is one number with its name.
type Fact struct{ Name, Value string }

// Compute turns a judged history into a page.
func Compute(j Judged) Page {
	p, es, v := j.Plan, j.Events, j.Verdict
	pg := Page{Plan: p, Verdict: v, Run: NewRun(j)}
	s := story{plan: p, es: es, v: v, steps: acts(p, es), books: ledgers(p, es)}
	tapes := tapes(p, es)
	pg.Stamp, pg.Tally = stamp(pg.Run), tallyOf(v)
	pg.Facts = facts(p, es, v, pg.Run)
	if j.Environment != nil {
		pg.Wall = span(floatSeconds(j.Environment.WallS))
	}
	pg.Diff = diff(j.Baseline, pg.Run)
	pg.Service = services(p, v, s.books)
	pg.Lies = lies(pg.Service)
	pg.Chart = chart(p, es, v, s.steps, s.books, pg.Service)
	var named map[int]bool
	pg.Checks, named = checks(p, v, len(es))
	if len(pg.Checks) > 0 && pg.Checks[0].Result == string(check.Fail) && len(pg.Checks[0].Findings) > 0 {
		pg.Jump = pg.Checks[0].Findings[0].Anchor
	}
	pg.Chains = s.chains(pg.Checks, named)
	pg.Ledgers, pg.Blasts = s.recoveries(), blasts(p, v, s.steps)
	pg.Dead, pg.Segments = deadTable(p, v, tapes), segments(p, v, tapes)
	pg.Tracks = tracks(p, es)
	pg.Spaces, pg.Covers = s.spaces(tapes), pg.Run.Coverage
	pg.Steps, pg.Source, pg.Values = stepRows(p, s.steps), source(p, j.Source), effective(p)
	pg.name(named)
	pg.Events, pg.Left = listEvents(p, es, named)
	pg.Raw, pg.Surroundings = raw(es), surroundings(j)
	return pg
}

// name adds the events that are linked from other places than findings.
func (pg *Page) name(named map[int]bool) {
	for _, r := range pg.Ledgers {
		for _, m := range r.Rows {
			if m.Event != nil {
				named[*m.Event] = true
			}
		}
	}
	for _, m := range pg.Run.Documented {
		if m.Event != nil {
			named[*m.Event] = true
		}
	}
}

// tallyOf counts properties by their result.
func tallyOf(v check.Verdict) string {
	n := map[check.Result]int{}
	for _, pr := range v.Properties {
		n[pr.Result]++
	}
	s := fmt.Sprintf("%d of %d properties hold", n[check.Pass], len(v.Properties))
	if n[check.Fail] > 0 {
		s += fmt.Sprintf(", %d violated", n[check.Fail])
	}
	if n[check.Inconclusive] > 0 {
		s += fmt.Sprintf(", %d not proven", n[check.Inconclusive])
	}
	return s
}

// stamp tells a run that went as it must from one that a person should look at.
func stamp(r Run) Stamp {
	switch {
	case r.Error != "":
		return Stamp{"bad", "✗", "not carried out"}
	case r.AsExpected:
		return Stamp{"good", "✓", "as expected"}
	case r.Verdict == string(check.Inconclusive):
		return Stamp{"unclear", "?", "inconclusive"}
	}
	return Stamp{"bad", "✗", "not as expected"}
}

// playedOf tells how much of the incident was played: dead air in what was left out is in
// no number of the page.
func playedOf(p *scenario.Plan) string {
	left := p.Incident(p.End) - p.End
	if left <= 0 {
		return span(p.End)
	}
	return span(p.End) + ", " + span(left) + " of quiet time left out"
}

// facts are the numbers that a reader wants first.
func facts(p *scenario.Plan, es []history.Event, v check.Verdict, r Run) []Fact {
	var sum, avoidable time.Duration
	for _, d := range v.Dead {
		sum, avoidable = sum+d.Total, avoidable+d.Avoidable
	}
	all := []Fact{
		{"dead air, worst broadcaster", span(floatSeconds(r.DeadAirS))},
		{"dead air, all together", span(sum)},
		{"of it avoidable", span(avoidable)},
		{"longest gap", span(floatSeconds(r.RecoveryS))},
		{"broadcasters", number(len(p.Broadcasters))},
		{"played", playedOf(p)},
		{"world", p.World},
		{"seed", strconv.FormatUint(p.Seed, 10)},
	}
	if p.World == "virtual" {
		return all
	}
	var late time.Duration
	for _, e := range es {
		if e.Kind == history.Canary && e.Node == "harness" {
			late = max(late, e.Took)
		}
	}
	return append(all, Fact{"speed", fmt.Sprintf("%g×", p.Speed)}, Fact{"harness late by at most", span(late)})
}

func floatSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
