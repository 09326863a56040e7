package reports

import (
	"cmp"
	"slices"
	"strings"

	"deadair/harness/check"
)

// indexRun is a run that is not as expected.
type indexRun struct {
	Run   *Run
	Stamp Stamp
	Link  string // empty: there is no page
}

// indexScenario is a scenario's rows in the table of all runs.
type indexScenario struct {
	Name, Title, Date string
	Rank              int // of its worst run
	Rows              []indexRow
}

type indexRow struct {
	Variant string
	Rank    int
	Cells   []indexCell // one per world
}

type indexCell struct {
	Run               *Run // nil: not played
	Stamp             Stamp
	Link, Found, Dead string
	Wall              string
	Failed            string
}

// rank orders runs by how much they need somebody to look at them.
func rank(r *Run) int {
	switch {
	case r.Error != "":
		return 3
	case r.AsExpected:
		return 0
	case r.Verdict == string(check.Inconclusive):
		return 1
	}
	return 2
}

// matrix fills the table of all runs: scenarios and variants down, worlds across,
// what needs somebody to look at it first.
func (x *status) matrix(s Summary) {
	for _, r := range s.Runs {
		if !slices.Contains(x.Worlds, r.World) {
			x.Worlds = append(x.Worlds, r.World)
		}
	}
	for i := range s.Runs {
		x.add(&s.Runs[i])
	}
	slices.SortStableFunc(x.Bad, func(a, b indexRun) int { return cmp.Compare(rank(b.Run), rank(a.Run)) })
	slices.SortStableFunc(x.Scenarios, func(a, b indexScenario) int {
		return cmp.Or(cmp.Compare(b.Rank, a.Rank), cmp.Compare(b.Date, a.Date), cmp.Compare(a.Name, b.Name))
	})
	for _, s := range x.Scenarios {
		slices.SortStableFunc(s.Rows, func(a, b indexRow) int { return cmp.Compare(b.Rank, a.Rank) })
	}
}

func (x *status) add(r *Run) {
	i := slices.IndexFunc(x.Scenarios, func(s indexScenario) bool { return s.Name == r.Scenario })
	if i < 0 {
		i = len(x.Scenarios)
		x.Scenarios = append(x.Scenarios, indexScenario{Name: r.Scenario, Title: r.Title, Date: r.Date})
	}
	s := &x.Scenarios[i]
	j := slices.IndexFunc(s.Rows, func(row indexRow) bool { return row.Variant == r.Variant })
	if j < 0 {
		j = len(s.Rows)
		s.Rows = append(s.Rows, indexRow{Variant: r.Variant, Cells: make([]indexCell, len(x.Worlds))})
	}
	row := &s.Rows[j]
	row.Rank, s.Rank = max(row.Rank, rank(r)), max(s.Rank, rank(r))
	row.Cells[slices.Index(x.Worlds, r.World)] = newCell(r)
	if rank(r) > 0 {
		x.Bad = append(x.Bad, indexRun{r, stamp(*r), link(r)})
	}
}

func newCell(r *Run) indexCell {
	return indexCell{
		Run: r, Stamp: stamp(*r), Link: link(r), Found: r.Verdict, Failed: strings.Join(r.failed(), ", "),
		Dead: span(floatSeconds(r.DeadAirS)), Wall: span(floatSeconds(r.WallS)),
	}
}

// covered is a fault on a kind of target, over all runs.
type covered struct {
	Fault, On                           string
	Runs                                int
	Connecting, Streaming, Reconnecting int // runs in which it met somebody doing that
	Untouched                           int // runs in which the far ends did not notice it
}

// covers adds up what the faults of all runs covered.
func covers(s Summary) []covered {
	var all []covered
	for _, r := range s.Runs {
		seen := map[int]*Cover{} // of this run
		for _, c := range r.Coverage {
			i := slices.IndexFunc(all, func(row covered) bool { return row.Fault == c.Fault && row.On == c.On })
			if i < 0 {
				i = len(all)
				all = append(all, covered{Fault: c.Fault, On: c.On})
			}
			if seen[i] == nil {
				seen[i] = &Cover{Untouched: true}
			}
			seen[i].Untouched = seen[i].Untouched && c.Untouched
			if !c.Untouched {
				seen[i].Connecting, seen[i].Streaming, seen[i].Reconnecting = seen[i].Connecting+c.Connecting, seen[i].Streaming+c.Streaming, seen[i].Reconnecting+c.Reconnecting
			}
		}
		for i, c := range seen {
			all[i].Runs += bit(!c.Untouched)
			all[i].Untouched += bit(c.Untouched)
			all[i].Connecting += bit(c.Connecting > 0)
			all[i].Streaming += bit(c.Streaming > 0)
			all[i].Reconnecting += bit(c.Reconnecting > 0)
		}
	}
	slices.SortStableFunc(all, func(a, b covered) int { return cmp.Or(cmp.Compare(a.Fault, b.Fault), cmp.Compare(a.On, b.On)) })
	return all
}
