package reports

import (
	"fmt"
	"slices"

	"deadair/harness/scenario"
)

// component is a part of the service with its state: what the runs of today found
// in the scenarios that are about it.
type component struct {
	Title string
	State Stamp
	Note  string
	Bars  []bar // one per scenario, the incidents first
}

// bar is one scenario in a component's row.
type bar struct{ Class, Title, To string }

// components are all parts of the service, in the order of a status page.
func components(all []known) []component {
	var rows []component
	for _, c := range scenario.Components() {
		row := component{Title: c.Title}
		count := map[int]int{} // scenarios by the worst run of today
		incidents := 0
		for _, dated := range []bool{true, false} {
			for _, k := range all {
				if !slices.Contains(k.Affects, c.Name) || (k.Date != "") != dated {
					continue
				}
				worst := k.now()
				count[worst]++
				incidents += bit(dated)
				row.Bars = append(row.Bars, bar{barClass(worst), k.Name + ": " + barWord(worst), k.ID()})
			}
		}
		row.State, row.Note = state(count, incidents)
		rows = append(rows, row)
	}
	return rows
}

// state is a component's, by how many scenarios came to which rank.
func state(count map[int]int, incidents int) (Stamp, string) {
	judged := count[0] + count[1] + count[2] + count[3]
	note := plural(judged-min(judged, incidents), "guarantee")
	if incidents > 0 {
		note = plural(incidents, "incident") + ", " + note
	}
	of := fmt.Sprintf("%d of %s", count[2], plural(judged, "scenario"))
	switch {
	case judged == 0 && count[-1] == 0:
		return Stamp{"none", "–", "Not replayed"}, "no scenario is about it"
	case judged == 0:
		return Stamp{"none", "–", "Not judged"}, "no run of today's system"
	case count[2] > 0:
		return Stamp{"bad", "✗", "Fails in " + of}, note
	case count[3] > 0:
		return Stamp{"bad", "✗", "Not carried out in " + plural(count[3], "scenario")}, note
	case count[1] > 0:
		return Stamp{"unclear", "?", "Unproven in " + plural(count[1], "scenario")}, note
	}
	return Stamp{"good", "✓", "Operational"}, note
}

func barClass(worst int) string {
	return []string{"none", "good", "unclear", "bad", "bad"}[worst+1]
}

func barWord(worst int) string {
	return []string{"no run of today's system", "holds today", "proves nothing", "fails today", "could not be carried out"}[worst+1]
}

// componentTitles names the components that a scenario is about.
func componentTitles(names []string) []string {
	var titles []string
	for _, c := range scenario.Components() {
		if slices.Contains(names, c.Name) {
			titles = append(titles, c.Title)
		}
	}
	return titles
}
