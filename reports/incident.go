package reports

import (
	"cmp"
	"fmt"
	"slices"
)

// incident is a post: what happened, as it was and today side by side.
type incident struct {
	About    About
	Affects  []string
	Sides    []side // as it was, then today; either may be missing
	Moments  []momentRow
	Others   []indexRun // the other variants
	Replayed bool       // something of what was documented is looked for
}

// side is one variant's run, told update by update.
type side struct {
	Heading string
	Run     *Run
	Stamp   Stamp
	Link    string
	Outcome string // fails, as it did; holds
	Dead    string
	Worlds  []indexRun // the same variant elsewhere
}

// momentRow is a documented moment beside the runs of the sides.
type momentRow struct {
	Milestone
	Runs []Milestone // one per side
}

func newIncident(k known) incident {
	x := incident{About: k.About, Affects: componentTitles(k.Affects)}
	then, now := k.pick(Run.past), k.pick(func(r Run) bool { return r.present() && r.Steps > 0 })
	for _, s := range []struct {
		heading string
		run     *Run
	}{{"As it was", then}, {"Today", now}} {
		if s.run != nil {
			x.Sides = append(x.Sides, k.side(s.heading, s.run))
		}
	}
	for _, r := range k.Runs {
		if !slices.ContainsFunc(x.Sides, func(s side) bool { return s.Run.Variant == r.Variant }) {
			x.Others = append(x.Others, indexRun{r, stamp(*r), link(r)})
		}
	}
	x.moments()
	return x
}

// past tells whether a run is meant to show what was documented.
func (r Run) past() bool { return r.Variant == "as-it-was" && r.Mutant == "" }

// pick is the first run of a sort; one named today before others, and one that was
// carried out before one that was not.
func (k known) pick(sort func(Run) bool) *Run {
	var best *Run
	weight := func(r *Run) int { return 2*bit(r.Variant == "today") + bit(r.Events > 0) }
	for _, r := range k.Runs {
		if sort(*r) && (best == nil || weight(r) > weight(best)) {
			best = r
		}
	}
	return best
}

func (k known) side(heading string, r *Run) side {
	s := side{Heading: heading, Run: r, Stamp: stamp(*r), Link: link(r), Outcome: outcome(r), Dead: span(floatSeconds(r.DeadAirS))}
	for _, o := range k.Runs {
		if o != r && o.Variant == r.Variant {
			s.Worlds = append(s.Worlds, indexRun{o, stamp(*o), link(o)})
		}
	}
	return s
}

// outcome is a run's verdict as a person would say it.
func outcome(r *Run) string {
	switch {
	case r.Error != "":
		return "could not be played"
	case r.Verdict == "inconclusive":
		return "proves nothing"
	case r.Verdict == "pass" && r.AsExpected && r.past():
		return "held, as it did"
	case r.Verdict == "pass" && r.AsExpected:
		return "holds"
	case r.Verdict == "pass":
		return "holds, and must not"
	case r.AsExpected && r.past():
		return "fails, as it did"
	case r.AsExpected:
		return "fails, as it must"
	}
	return "fails"
}

// moments sets what was documented beside the sides.
func (x *incident) moments() {
	most := 0
	for _, s := range x.Sides {
		most = max(most, len(s.Run.Documented))
	}
	for i := range most {
		var row momentRow
		for _, s := range x.Sides {
			var m Milestone
			if i < len(s.Run.Documented) {
				m = s.Run.Documented[i]
			}
			row.Milestone.When, row.Milestone.Says = cmp.Or(row.Milestone.When, m.When), cmp.Or(row.Milestone.Says, m.Says)
			row.Milestone.Assumed, row.Milestone.Sought = row.Milestone.Assumed || m.Assumed, row.Milestone.Sought || m.Sought
			row.Runs = append(row.Runs, m)
		}
		x.Replayed = x.Replayed || row.Sought
		x.Moments = append(x.Moments, row)
	}
}

// guarantee is a promise: a scenario without a date.
type guarantee struct {
	About   About
	Affects []string
	State   Stamp
	Link    string
	Dead    string
	Caught  string // of the variants that must fail
	now     int    // rank of the worst run of today
	rank    int    // of the worst of all
}

func newGuarantee(k known) guarantee {
	g := guarantee{About: k.About, Affects: componentTitles(k.Affects), now: k.now(), rank: k.now()}
	g.State = []Stamp{{"none", "–", "not played"}, {"good", "✓", "holds"}, {"unclear", "?", "unproven"}, {"bad", "✗", "fails"}, {"bad", "✗", "not carried out"}}[g.now+1]
	if now := k.pick(func(r Run) bool { return r.present() && r.Steps > 0 }); now != nil {
		g.Link, g.Dead = link(now), span(floatSeconds(now.DeadAirS))
	}
	must, caught := 0, 0
	for _, r := range k.Runs {
		if r.Expected == "pass" {
			continue
		}
		must++
		caught += bit(r.AsExpected && r.Error == "")
		if rank(r) > g.rank {
			g.rank = rank(r)
		}
	}
	if must > 0 {
		g.Caught = fmt.Sprintf("%d of %d that must fail, fail", caught, must)
	}
	return g
}
