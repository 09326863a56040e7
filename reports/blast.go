package reports

import (
	"slices"
	"time"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

// Blast is how far one step reached.
type Blast struct {
	ID, Sentence string
	Touched      string // as the far ends confirm
	Idle         bool   // it touched nothing: it proves nothing
	Silenced     int    // broadcasters with dead air by it
	Share        string // of all of them
	Dead, Worst  string // dead air by it, all together and of one broadcaster
	Groups       string
}

// blasts tells of each step what it reached. Dead air is booked on the step that
// the judge found to be its cause.
func blasts(p *scenario.Plan, v check.Verdict, steps []act) []Blast {
	var all []Blast
	for _, a := range steps {
		b := Blast{ID: a.ID, Sentence: sentenceCase(deed(a.Step)), Touched: a.reach(), Idle: a.idle(), Dead: "–", Worst: "–"}
		var sum, worst time.Duration
		who := &entry{who: map[string]bool{}}
		for _, d := range v.Dead {
			var own time.Duration
			for _, g := range d.Gaps {
				if g.Cause == a.ID {
					own += g.Length()
					who.who[d.Broadcaster] = true
				}
			}
			sum, worst = sum+own, max(worst, own)
		}
		if b.Silenced = len(who.who); b.Silenced > 0 {
			b.Share = percent(b.Silenced, len(p.Broadcasters))
			b.Dead, b.Worst = span(sum), span(worst)
			b.Groups = (&post{plan: p}).groups(who)
		}
		all = append(all, b)
	}
	return all
}

func percent(n, of int) string {
	if of == 0 {
		return "–"
	}
	return number((100*n+of/2)/of) + " %"
}

// silencing lists the steps that cost programme, in the order of the plan.
func silencing(v check.Verdict, steps []act) []act {
	var all []act
	for _, a := range steps {
		if slices.ContainsFunc(v.Dead, func(d check.Dead) bool {
			return slices.ContainsFunc(d.Gaps, func(g check.Gap) bool { return g.Cause == a.ID })
		}) {
			all = append(all, a)
		}
	}
	return all
}
