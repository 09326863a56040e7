package reports

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// status is the page over all runs: what of the service works, a post for each
// incident, the guarantees, and every run by scenario and world.
type status struct {
	Summary    Summary
	Headline   string
	Class      string
	Sign       string
	Wall       string
	Bad        []indexRun // what to look at
	Change     *Comparison
	Components []component
	Incidents  []incident  // newest first
	Guarantees []guarantee // those that need somebody first
	Worlds     []string
	Scenarios  []indexScenario
	Systems    []systems
	Coverage   []covered
	Facts      []Fact
}

func newStatus(s Summary, change *Comparison) status {
	t := s.tally()
	x := status{Summary: s, Headline: t.String(), Class: "good", Sign: "✓", Wall: span(floatSeconds(s.WallS)), Change: change}
	switch {
	case t.differ+t.broken > 0:
		x.Class, x.Sign = "bad", "✗"
	case t.unclear > 0 || t.all == 0:
		x.Class, x.Sign = "unclear", "?"
	}
	x.matrix(s)
	x.Systems = beside(s)
	told := acquaint(s)
	x.Components = components(told)
	for _, a := range told {
		if a.Date != "" {
			x.Incidents = append(x.Incidents, newIncident(a))
			continue
		}
		x.Guarantees = append(x.Guarantees, newGuarantee(a))
	}
	slices.SortStableFunc(x.Incidents, func(a, b incident) int { return cmp.Compare(b.About.Date, a.About.Date) })
	slices.SortStableFunc(x.Guarantees, func(a, b guarantee) int { return cmp.Or(cmp.Compare(b.now, a.now), cmp.Compare(b.rank, a.rank)) })
	x.Coverage = covers(s)
	if s.Environment != nil {
		x.Facts = s.Environment.facts()
	}
	return x
}

// known is a scenario with all its runs.
type known struct {
	About
	Runs []*Run
}

// acquaint gives each scenario its runs, in the order of the summary.
func acquaint(s Summary) []known {
	var all []known
	for i := range s.Runs {
		r := &s.Runs[i]
		k := slices.IndexFunc(all, func(a known) bool { return a.Name == r.Scenario })
		if k < 0 {
			k = len(all)
			about := About{Name: r.Scenario, Title: r.Title, Date: r.Date}
			if j := slices.IndexFunc(s.Scenarios, func(a About) bool { return a.Name == r.Scenario }); j >= 0 {
				about = s.Scenarios[j]
			}
			all = append(all, known{About: about})
		}
		all[k].Runs = append(all[k].Runs, r)
	}
	return all
}

// present tells whether a run is of the system as it is today, with nothing in it
// of 2014 and nothing broken on purpose.
func (r Run) present() bool {
	return r.Mutant == "" && len(r.Legacy) == 0 && r.Expected == "pass"
}

// now is the worst of a scenario's runs that are of today, as a rank; -1 when there is none.
func (k known) now() int {
	worst := -1
	for _, r := range k.Runs {
		if r.present() {
			worst = max(worst, rank(r))
		}
	}
	return worst
}

// link is where a run's page is; empty when there is none.
func link(r *Run) string {
	if r.Events == 0 {
		return "" // without events there was nothing to draw
	}
	return r.Dir + "/report.html"
}

// Day is a date as a post has it: 2 October 2014.
func (a About) Day() string {
	day, err := time.Parse(time.DateOnly, a.Date)
	if err != nil {
		return a.Date
	}
	return day.Format("2 January 2006")
}

// ID is what a scenario is called in links of the page.
func (a About) ID() string { return "s-" + slug(a.Name) }

// slug is a name as a link can have it.
func slug(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, s)
}
