package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"deadair/harness/check"
	"deadair/harness/scenario"
)

// DeadTable is the dead air per broadcaster, the worst first.
type DeadTable struct {
	Sum   DeadRow
	Rows  []DeadRow
	More  int // broadcasters with dead air that are not shown
	Whole int // broadcasters whose show is whole
}

// DeadRow is the dead air of one broadcaster.
type DeadRow struct {
	Name, Group, Client           string
	Total, Unavoidable, Avoidable string
	Longest, Reroute              string // the longest gap; the longest from a loss to the next acceptance
	Reconnects, Recordings        int
	Twice, Far                    string // on disk more than once; on disks of another datacenter than the nearest
	Count                         int    // of gaps
	Gaps                          []string
	More                          int // gaps not shown
	Bad                           bool
}

// Limits of the table of dead air.
const (
	maxDead = 100 // broadcasters
	maxGaps = 6   // of a broadcaster
)

// deadTable fills the table from the verdict.
func deadTable(p *scenario.Plan, v check.Verdict, tapes map[string]*tape) DeadTable {
	by := map[string]scenario.Broadcaster{}
	for _, b := range p.Broadcasters {
		by[b.Name] = b
	}
	var t DeadTable
	var total, unavoidable, avoidable time.Duration
	for _, d := range worstFirst(v.Dead) {
		total, unavoidable, avoidable = total+d.Total, unavoidable+d.Unavoidable, avoidable+d.Avoidable
		switch {
		case d.Total == 0:
			t.Whole++
		case len(t.Rows) == maxDead:
			t.More++
		default:
			t.Rows = append(t.Rows, deadRow(p, by[d.Broadcaster], d, tapes[d.Broadcaster]))
		}
	}
	t.Sum = DeadRow{Total: span(total), Unavoidable: span(unavoidable), Avoidable: span(avoidable)}
	return t
}

func worstFirst(dead []check.Dead) []check.Dead {
	dead = slices.Clone(dead)
	slices.SortStableFunc(dead, func(a, b check.Dead) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(b.Avoidable, a.Avoidable))
	})
	return dead
}

func deadRow(p *scenario.Plan, b scenario.Broadcaster, d check.Dead, t *tape) DeadRow {
	row := DeadRow{
		Name: d.Broadcaster, Group: b.Group, Client: b.Persona,
		Total: span(d.Total), Unavoidable: span(d.Unavoidable), Avoidable: span(d.Avoidable), Bad: d.Avoidable > 0,
	}
	if t != nil {
		m := measure(b, t, d)
		row.Longest, row.Reroute, row.Reconnects, row.Recordings = span(m.longest), span(m.reroute), m.reconnects, m.sessions
		row.Twice, row.Far = span(m.twice), span(m.far)
	}
	for _, g := range d.Gaps[:min(len(d.Gaps), maxGaps)] {
		row.Gaps = append(row.Gaps, fmt.Sprintf("%s for %s%s", instant(p, g.From), span(g.Length()), cause(g)))
	}
	row.Count, row.More = len(d.Gaps), len(d.Gaps)-len(row.Gaps)
	return row
}

// cause names what took a gap's programme.
func cause(g check.Gap) string {
	switch g.Cause {
	case "":
		return " (unexplained)"
	case "start":
		return " (before the first connection)"
	}
	return " (" + g.Cause + ")"
}
